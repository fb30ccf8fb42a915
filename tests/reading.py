"""What stands in a folder."""

from collections.abc import Collection
from pathlib import Path


def files(folder: Path, *, leave: Collection[str] = ()) -> dict[str, bytes]:
    """Each file below the folder: its path there, and what it holds; some can be left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in leave
    }
