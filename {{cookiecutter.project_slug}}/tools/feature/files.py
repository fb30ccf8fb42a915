"""The files of a feature: filled in, formatted, and written all or none."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from string import Template

from tools.feature.names import Names

BLANKS = Path(__file__).parent / "blanks"

TARGETS = {
    "models.py": "app/features/{}/models.py",
    "schemas.py": "app/features/{}/schemas.py",
    "service.py": "app/features/{}/service.py",
    "router.py": "app/features/{}/router.py",
    "seed.py": "app/features/{}/seed.py",
    "factory.py": "tests/factories/{}.py",
    "unit.py": "tests/unit/test_{}.py",
    "integration.py": "tests/integration/test_{}.py",
    "e2e.py": "tests/e2e/test_{}.py",
}


def fill(names: Names) -> dict[str, str]:
    """Return the text of each file, by its path in the project."""
    texts = {f"app/features/{names.plural}/__init__.py": ""}
    for blank, target in TARGETS.items():
        template = Template((BLANKS / f"{blank}.txt").read_text("utf-8"))
        texts[target.format(names.plural)] = template.substitute(names.blanks)
    return texts


@cache
def vocabulary() -> set[str]:
    """Return the names that the code of every feature uses, which none may have for its own."""
    nobodys = Names("qqqs", "qqq")
    nodes = [node for text in fill(nobodys).values() for node in ast.walk(ast.parse(text))]
    return (
        {node.id for node in nodes if isinstance(node, ast.Name)}
        | {node.arg for node in nodes if isinstance(node, ast.arg)}
        | {node.name for node in nodes if isinstance(node, ast.alias | ast.AsyncFunctionDef)}
    )


def formatted(path: str, text: str) -> str:
    """Format the text: a line is longer or shorter by the feature's name, an import may be idle."""
    tidy = _ruff(["check", "--fix", "--select=F401,I001", "--quiet"], path, text)
    return _ruff(["format"], path, tidy)


def _ruff(command: list[str], path: str, text: str) -> str:
    ruff = subprocess.run(
        [sys.executable, "-m", "ruff", *command, f"--stdin-filename={path}", "-"],
        input=text,
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    return ruff.stdout


def write(root: Path, texts: dict[str, str]) -> None:
    """Write every file, or leave none behind."""
    made: list[Path] = []
    try:
        for name, text in texts.items():
            path = root / name
            if not path.parent.exists():
                path.parent.mkdir(parents=True)
                made.append(path.parent)
            with path.open("x", encoding="utf-8") as file:  # never over a file that is there
                made.append(path)
                file.write(text)
    except BaseException:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        raise
