"""Write a feature: ``python -m devkit.commands.feature PLURAL SINGULAR FIELDS``."""

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError

from devkit.adapter import ROOT, take
from devkit.commands.feature import FeatureError
from devkit.commands.feature.fields import parse_fields
from devkit.commands.feature.files import fill
from devkit.commands.feature.migration import VERSIONS, revisions, write_migration
from devkit.commands.feature.names import names_of

load_models = take("features:load_models")

NEXT = """
Next:
    make migrate
    make test k={}"""


def add(plural: str, singular: str, fields: str) -> list[str]:
    """Write every file of the feature, or none; return their paths in the project."""
    load_models()
    names = names_of(plural, singular)
    texts = fill(names, parse_fields(fields, names))
    revisions()
    for path in (f"app/features/{names.plural}", *texts):
        if (ROOT / path).exists():
            raise FeatureError(f"{path} exists already: remove it, or take another name.")
    with undone_on_error(VERSIONS) as written:
        for name, text in texts.items():
            path = ROOT / name
            if not path.parent.exists():
                path.parent.mkdir(parents=True)
                written.append(path.parent)
            with path.open("x", encoding="utf-8") as file:  # never over a file that is there
                written.append(path)
                file.write(text)
        _format([*texts])
        return [*texts, write_migration(names)]


@contextmanager
def undone_on_error(versions: Path) -> Generator[list[Path]]:
    """Remove the files in the list, and new revisions, when the block ends with an error."""
    written: list[Path] = []
    before = {*versions.glob("*.py")}
    try:
        yield written
    except BaseException:
        for path in [*{*versions.glob("*.py")} - before, *reversed(written)]:
            path.rmdir() if path.is_dir() else path.unlink()
        raise


def _format(paths: list[str]) -> None:
    """Sort and prune the imports, format, and check the project's rules."""
    check = ["check", "--output-format=concise"]
    for command in ([*check, "--fix", "--select=F401,I001"], ["format"], check):
        ruff = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--quiet", *paths],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if ruff.returncode:
            found = (ruff.stdout or ruff.stderr).splitlines()[0]
            raise FeatureError(f"A name breaks a rule of this project, take another: {found}")


def main(plural: str = "", singular: str = "", fields: str = "") -> int:
    """Add the feature, and print what was written."""
    try:
        paths = add(plural, singular, fields)
    except (FeatureError, CommandError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(paths), NEXT.format(plural), sep="\n")
    return 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # in a folder that may be removed again
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main(*sys.argv[1:]))
