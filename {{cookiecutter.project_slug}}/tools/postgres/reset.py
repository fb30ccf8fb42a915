"""Remove the data of ``make run``, unless somebody uses it: ``make reset``."""

import fcntl
import shutil
import sys
from pathlib import Path

from tools.postgres import try_lock

DATA = Path(".data/dev")


def main() -> int:
    if not DATA.exists():
        return 0
    with (DATA / "users.lock").open("a") as users:
        if not try_lock(users, fcntl.LOCK_EX):
            print("`make run`, or a prompt, uses this database: stop it first.", file=sys.stderr)
            return 1
        shutil.rmtree(DATA)
    return 0


if __name__ == "__main__":
    sys.exit(main())
