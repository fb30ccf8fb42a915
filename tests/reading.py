"""What stands in a folder."""

from pathlib import Path


def files(folder: Path) -> dict[str, bytes]:
    """Each file below the folder: its path there, and what it holds."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
