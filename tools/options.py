"""Check the hook's list of options against the template: ``python -m tools.options``, in ``make lint``."""

import json
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

NOT_FENCED = ".py"
"""Python is copied as it is: an option plugs into what is found."""


def problems(template: Path) -> Iterator[str]:
    """Say what the list names that is not there, and what is there that it does not name."""
    hook = runpy.run_path(str(template / "hooks/post_gen_project.py"))
    rules = runpy.run_path(str(template / "hooks/pre_gen_project.py"))
    questions = json.loads((template / "cookiecutter.json").read_text("utf-8"))
    offered = {
        name: tuple(answers)
        for name, answers in questions.items()
        if isinstance(answers, list) and not name.startswith("_")
    }
    source = template / "{{cookiecutter.project_slug}}"

    if rules["CHOICES"] != offered:
        yield "hooks/pre_gen_project.py: CHOICES are not those of cookiecutter.json."
    for option, paths in hook["OPTIONS"].items():
        question, _, answer = option.partition("=")
        if answer not in ("", *offered.get(question, ())) or question not in offered:
            yield f"hooks/post_gen_project.py: cookiecutter.json does not offer {option}."
        for path in paths:
            if not (source / path).exists():
                yield f"hooks/post_gen_project.py: {path}, of {option}, is not there."
    yield from _problems_of_fences(source, hook)
    yield from _problems_of_revisions(source, hook)


def _problems_of_fences(source: Path, hook: dict[str, Any]) -> Iterator[str]:
    options, named, fence, strip = (
        hook[name] for name in ("OPTIONS", "FENCED", "FENCE", "strip_fences")
    )
    found = []
    for path in _files(source):
        lines = path.read_bytes().decode().split("\n")
        if any(map(fence.fullmatch, lines)):
            found.append(path.relative_to(source).as_posix())
    for name in sorted({*found} ^ {*named}):
        what = "has fences, and FENCED does not name it" if name in found else "has no fence"
        yield f"{name}: {what}: see hooks/post_gen_project.py."
    for name in found:
        if name.endswith(NOT_FENCED):
            yield f"{name}: no fence stands in Python: give the option a file that is found."
        try:
            strip((source / name).read_bytes().decode(), name, dict.fromkeys(options, True))
        except SystemExit as error:
            yield str(error)


def _problems_of_revisions(source: Path, hook: dict[str, Any]) -> Iterator[str]:
    """Say which revision of an option follows one that its user may remove."""
    read = runpy.run_path(str(source / "devkit/commands/relink.py"))["read"]
    versions = sorted((source / hook["VERSIONS"]).glob("*.py"))
    links = {path: read(path.read_bytes().decode(), path.name) for path in versions}
    optional = {path for paths in hook["OPTIONS"].values() for path in paths}
    of_options = [path for path in versions if path.relative_to(source).as_posix() in optional]
    names = {name for path in of_options for name in links[path]}
    for path in of_options:
        for parents in links[path].values():
            if {*parents} - names:
                yield f"{path.name}: the revisions of options come before those of examples."


def _files(folder: Path) -> list[Path]:
    """Return the files that git has, or would add; of a folder without git, all."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(listing, cwd=folder, capture_output=True, check=False)
    names = filter(None, result.stdout.decode().split("\0"))
    paths = [folder / name for name in names] or sorted(folder.rglob("*"))
    return [path for path in paths if path.is_file()]


if __name__ == "__main__":
    sys.exit("\n".join(problems(ROOT)) or 0)
