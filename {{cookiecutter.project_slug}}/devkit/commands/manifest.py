"""Compare devkit with its manifest: ``python -m devkit.commands.manifest [--accept]``."""

import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

DEVKIT = Path(__file__).parents[1]
MANIFEST = "MANIFEST.sha256"

NO_SOURCE = re.compile(r"(^|/)(__pycache__/|\.)")
"""What Python, an editor or a linter leaves there."""


def checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of each file, by its path in the folder."""
    return {
        name: sha256((folder / name).read_bytes()).hexdigest()
        for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        if (folder / name).is_file() and name != MANIFEST and not NO_SOURCE.search(name)
    }


def differences(folder: Path) -> Iterator[str]:
    """Yield what is not as the manifest has it, a line for each file."""
    lines = (folder / MANIFEST).read_text("utf-8").splitlines()
    recorded = {name: checksum for checksum, _, name in (line.partition("  ") for line in lines)}
    found = checksums(folder)
    for name in sorted(recorded.keys() | found.keys()):
        if name not in found:
            yield f"devkit/{name} is missing"
        elif name not in recorded:
            yield f"devkit/{name} is new"
        elif found[name] != recorded[name]:
            yield f"devkit/{name} is edited"


def accept(folder: Path) -> None:
    """Write the manifest for the files as they are."""
    lines = [f"{checksum}  {name}\n" for name, checksum in checksums(folder).items()]
    (folder / MANIFEST).write_text("".join(lines), "utf-8")


def main(arguments: list[str]) -> int:
    if arguments == ["--accept"]:
        accept(DEVKIT)
        return 0
    found = [*differences(DEVKIT)]
    for difference in found:
        print(
            f"{difference}: an update of the template replaces devkit. Restore it with git, or keep it:"
            " .venv/bin/python -m devkit.commands.manifest --accept",
            file=sys.stderr,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
