"""Keep the project's PostgreSQL for as long as standard input is open; say where its socket is.

Run in the project's folder. It is the server of its tests, which does not wait for the disk: what is
compared here is what lies before it.
"""

import sys
from pathlib import Path

sys.path.insert(0, "")

from tools.postgres import running

with running(Path(".data/bench")) as socket_folder:
    print(socket_folder, flush=True)
    sys.stdin.read()
