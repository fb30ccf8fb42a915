"""The files that each set of answers bakes, as they are written down in ``trees/``."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "trees"


def stated_tree(answers: Mapping[str, str]) -> set[str]:
    """Return the files of these answers; each answer that is not the default one has its difference."""
    paths = {*(FOLDER / "default.txt").read_text("utf-8").splitlines()}
    changes: dict[str, list[str]] = defaultdict(list)
    answer = ""
    for line in (FOLDER / "differences.txt").read_text("utf-8").splitlines():
        if line[:2] in ("- ", "+ "):
            changes[answer].append(line)
        else:
            answer = line
    for question, chosen in answers.items():
        for change in changes[f"{question}={chosen}"]:
            kind, path = change.split(" ", 1)
            if kind == "+":
                paths.add(path)
            else:
                paths.remove(path)
    return paths
