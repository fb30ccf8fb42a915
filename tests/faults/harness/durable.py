"""A PostgreSQL of the test's own that keeps what it has acknowledged, and can be crashed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from app.settings import ROOT
from tools.postgres.server import stop

LAUNCH = """
import sys
from pathlib import Path
from tools.postgres import find_programs
from tools.postgres.server import launch
print(launch(Path(sys.argv[1]), find_programs(), durable=True))
"""


class Durable:
    """One server; its socket stays at the same place over restarts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket_folder = folder / "s"
        self.process = 0

    def start(self) -> None:
        # By a process in between, so that the server is nobody's child and nobody waits for it.
        command = [sys.executable, "-c", LAUNCH, self.folder]
        with (self.folder / "postgres.log").open("a") as log:
            said = subprocess.run(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, check=True
            ).stdout
        self.process = int(said)
        self.socket_folder.unlink(missing_ok=True)
        self.socket_folder.symlink_to((self.folder / "socket").read_text("utf-8"))

    def crash(self) -> None:
        """Stop it as ``pg_ctl stop -m immediate`` does: nothing is finished, nothing saved."""
        os.kill(self.process, signal.SIGQUIT)
        while Path(f"/proc/{self.process}").exists() and not self._is_zombie():
            time.sleep(0.005)

    def _is_zombie(self) -> bool:
        try:
            return "\nState:\tZ" in Path(f"/proc/{self.process}/status").read_text()
        except FileNotFoundError:
            return True

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Generator["Durable"]:
        server = cls(folder)
        server.start()
        try:
            yield server
        finally:
            stop(server.process)
