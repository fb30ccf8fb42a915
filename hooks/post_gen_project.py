"""Keep the files and lines that the answers ask for, and say what to do next."""

import json
import re
import runpy
import shutil
import sys
from pathlib import Path

OPTIONS = {
    # `question=answer`: what only this answer keeps; `question`: what every answer but none keeps
    "ci=github": [
        ".github/dependabot.yml",
        ".github/workflows/check.yml",
        ".github/workflows/nightly.yml",
    ],
    "ci=gitlab": [".gitlab-ci.yml"],
    "license=MIT": ["licenses/MIT"],
    "license=Apache-2.0": ["licenses/Apache-2.0"],
    "license=BSD-3-Clause": ["licenses/BSD-3-Clause"],
    "license=Proprietary": ["licenses/Proprietary"],
    "telemetry": [
        "app/core/observability/telemetry",
        "docs/telemetry.md",
        "tests/e2e/core/test_telemetry.py",
        "tests/integration/core/test_telemetry.py",
        "tests/unit/core/test_telemetry.py",
    ],
}

FENCED = [".env.example", "README.md", "pyproject.toml"]
"""The files with lines of an option, between `# option x` and `# end x`; in Markdown, comments of HTML."""

FENCE = re.compile(r"\s*(?:#|<!--) (option|end) (\S+)(?: -->)?\r?")

VERSIONS = Path("migrations/versions")

NEXT = """
Next:
    cd {project_slug}
    make test    # on a real PostgreSQL, which comes with it; `make run` serves it
"""


def is_chosen(option: str, answers: dict[str, str]) -> bool:
    """Tell whether the answers ask for an option."""
    question, _, answer = option.partition("=")
    return answers[question] == answer if answer else answers[question] != "none"


def strip_fences(text: str, name: str, chosen: dict[str, bool]) -> str:
    """Remove the fences, and the lines between those of an option that is not chosen."""
    kept: list[str] = []
    opened: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.fullmatch(line)
        if fence is None:
            if all(chosen[option] for option in opened):
                kept.append(line)
            continue
        kind, option = fence.groups()
        if option not in chosen:
            sys.exit(f"{name}:{number}: there is no option {option}, only {', '.join(chosen)}.")
        if kind == "option":
            opened.append(option)
        elif opened[-1:] == [option]:
            opened.pop()
        else:
            sys.exit(f"{name}:{number}: `end {option}` has no `option {option}` before it.")
    if opened:
        sys.exit(f"{name}: `option {opened[-1]}` has no `end {opened[-1]}` after it.")
    return "\n".join(kept)


def remove(path: Path) -> None:
    """Remove a file or folder, and the folders that this empties."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    for folder in path.parents:
        if not any(folder.iterdir()):
            folder.rmdir()


def keep(answers: dict[str, str]) -> None:
    """Remove what is not chosen; the revisions that are left stay in one line."""
    chosen = {option: is_chosen(option, answers) for option in OPTIONS}
    revisions = runpy.run_path("devkit/commands/relink.py")
    before = revisions["read_folder"](VERSIONS)
    for option, paths in OPTIONS.items():
        for path in [] if chosen[option] else paths:
            remove(Path(path))
    revisions["write"](VERSIONS, revisions["relink"](before, revisions["read_folder"](VERSIONS)))
    for file in filter(Path.exists, map(Path, FENCED)):  # not those of another CI
        text = file.read_bytes().decode()
        file.write_bytes(strip_fences(text, str(file), chosen).encode())
    (licence,) = Path("licenses").iterdir()
    licence.replace("LICENSE")
    Path("licenses").rmdir()


if __name__ == "__main__":
    ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")
    keep(ANSWERS)
    print(NEXT.format_map(ANSWERS))
