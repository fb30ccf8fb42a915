"""The newest s3rius/FastAPI-template of the package index, with items written in its own style.

It is generated without a question, and installed into an environment of its own, of the same Python as
the project's.
"""

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.project import INSIDE, Project, Server, environment, uv

PACKAGE = "fastapi_template"
ANSWERS = "--quiet --force --name peer --api-type rest --db postgresql --orm sqlalchemy --ci none"
FILES = {
    "items_model.py": "db/models/items_model.py",
    "items_dao.py": "db/dao/items_dao.py",
    "items_views.py": "web/api/items_views.py",
}
ROUTER = "web/api/router.py"
MOUNT = """
from peer.web.api import items_views

api_router.include_router(items_views.router, prefix="/items", tags=["items"])
"""

DATABASE = 'path=f"/{self.db_base}",'
SOCKET = ' query={"host": os.environ["SOCKET"]},'
"""It knows only hosts with a name; of two in one URL, SQLAlchemy takes the one in the query."""


class NotToBeHadError(Exception):
    """The package index, or what it gave, is of no use."""


def generated(folder: Path, project: Project, database: str) -> tuple[Contestant, str]:
    """Generate and install it; return it and its version."""
    folder.mkdir()
    python = _environment(folder / "generator", project, PACKAGE)
    _run(
        [python.with_name(PACKAGE), *ANSWERS.split(), "--migrations", "--dummy", "--routers"],
        folder,
    )
    package = folder / "peer/peer"
    if not (package / ROUTER).is_file():
        raise NotToBeHadError("what it generates has changed")
    for source, target in FILES.items():
        shutil.copy(INSIDE / "peer" / source, package / target)
    with (package / ROUTER).open("a", encoding="utf-8") as router:
        router.write(MOUNT)
    settings = (package / "settings.py").read_text(encoding="utf-8")
    if DATABASE not in settings:
        raise NotToBeHadError("what it generates has changed")
    (package / "settings.py").write_text(settings.replace(DATABASE, DATABASE + SOCKET), "utf-8")
    python = _environment(folder / "venv", project, "-r", str(folder / "peer/pyproject.toml"))
    ask = f"import importlib.metadata; print(importlib.metadata.version({PACKAGE!r}))"
    version = _run([folder / "generator/bin/python", "-c", ask], folder).strip()
    return Contestant(
        "s3rius",
        python,
        folder / "peer",
        "peer",
        "from peer.web.application import get_app; get_app()",
        lambda server: _variables(server, database),
        "/api",
        "/api/health",
    ), version


def _variables(server: Server, database: str) -> dict[str, str]:
    socket = str(server.socket_folder)
    return {
        "PEER_DB_USER": "postgres",
        "PEER_DB_BASE": database,
        "PEER_RELOAD": "False",
        "SOCKET": socket,
    }


def _environment(folder: Path, project: Project, *packages: str) -> Path:
    _run([uv(), "venv", "--quiet", "--python", project.python, folder], folder.parent)
    python = folder / "bin/python"
    _run([uv(), "pip", "install", "--quiet", "--python", python, *packages], folder.parent)
    return python


def _run(command: list[str | Path], folder: Path) -> str:
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment(
            PATH=f"{uv().parent}:{os.environ['PATH']}",  # the generator looks for it
            UV_SYSTEM_CERTS="1",
            UV_PYTHON_DOWNLOADS="never",  # its own `uv sync` wants another Python
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise NotToBeHadError(result.stderr.strip() or result.stdout.strip())
    return result.stdout
