"""What a server has outside of its data: a folder for its socket, and one in memory."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path

from tools.postgres import PostgresError

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 103
"""Bytes of a socket's path that fit on every Unix."""

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes it safe
MEMORY_MIN = 1 << 30
"""Bytes that must be free there; a container often has less."""


def make_socket_folder(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Make the folder of the socket, in a place where the socket's path is short enough."""
    for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes it safe
        runtime = Path(tempfile.mkdtemp(prefix="postgres-", dir=place))
        if len(os.fsencode(runtime / SOCKET)) <= SOCKET_PATH_MAX:
            return _hand_over(runtime, account, folder / "socket")
        runtime.rmdir()
    raise PostgresError(f"The path of a socket in {runtime} is too long: set TMPDIR shorter.")


def make_memory_folder(folder: Path, account: pwd.struct_passwd | None) -> Path | None:
    """Make a folder in memory, if there is room; the one of a server that crashed is used again."""
    record = folder / "memory"
    if record.exists() and (memory := Path(record.read_text("utf-8"))).exists():
        return memory
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_MIN:
        return None
    return _hand_over(Path(tempfile.mkdtemp(prefix="postgres-", dir=MEMORY)), account, record)


def _hand_over(made: Path, account: pwd.struct_passwd | None, record: Path) -> Path:
    record.write_text(str(made), "utf-8")
    if account:
        os.chown(made, account.pw_uid, account.pw_gid)
    return made


def remove_socket_folder(folder: Path) -> None:
    """Remove the socket's folder, also one that a killed supervisor left."""
    _remove(folder / "socket")


def remove_folders(folder: Path) -> None:
    """Remove all that a server had, which has stopped."""
    _remove(folder / "socket")
    _remove(folder / "memory")


def _remove(record: Path) -> None:
    if record.exists():
        made = Path(record.read_text("utf-8"))
        if made.name.startswith("postgres-"):
            shutil.rmtree(made, ignore_errors=True)
        record.unlink()


def reachable(programs: Path, runtime: Path) -> Path:
    """Return the programs, in another place if not everybody reaches them: root's home is closed."""
    postgres = programs / "bin/postgres"
    if all(path.stat().st_mode & 0o001 for path in (postgres, *postgres.parents)):
        return programs
    place, package = runtime / "programs", programs.parent
    for folder in (programs, package.with_name(f"{package.name}.libs")):  # a wheel's libraries
        target = place / folder.relative_to(package.parent)
        shutil.copytree(folder, target, ignore=_FOR_COMPILERS, copy_function=_share)
    for path in (place, *place.rglob("*/")):
        path.chmod(0o755)
    return place / programs.relative_to(package.parent)


_FOR_COMPILERS = shutil.ignore_patterns("include", "pgxs", "*.a")


def _share(source: str, target: str) -> None:
    """Give everybody the file: as a link, which costs nothing, or else as a copy."""
    if Path(source).stat().st_mode & 0o004:
        try:
            os.link(source, target)
        except OSError:  # another file system
            pass
        else:
            return
    shutil.copyfile(source, target)
    Path(target).chmod(0o755)
