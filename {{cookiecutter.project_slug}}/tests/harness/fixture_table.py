"""Write the table of fixtures in docs/testing.md from their docstrings: ``make docs``."""

import ast
import re
from pathlib import Path

from app.settings import ROOT

GUIDE = ROOT / "docs/testing.md"
FIXTURES = ROOT / "tests/fixtures"
NOT_FOR_USERS = {"canaries.py"}
"""What the harness itself is tested with."""

TABLE = re.compile(r"(<!-- make docs .*? -->\n).*?(<!-- /make docs -->)", re.DOTALL)
LIVES = {"function": "a test", "module": "a file", "session": "the run"}


def with_table(guide: str) -> str:
    """Return the guide with the present table."""
    files = sorted(path for path in FIXTURES.glob("*.py") if path.name not in NOT_FOR_USERS)
    rows = sorted(row for path in files for row in _rows(path))
    table = "\n".join(["| fixture | lives for | is |", "|---|---|---|", *rows])
    return TABLE.sub(lambda match: f"{match[1]}\n{table}\n\n{match[2]}", guide)


def _rows(path: Path) -> list[str]:
    functions = [
        node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_"
    ]
    return [
        f"| `{function.name}` | {LIVES[scope]} | {_sentence(function)} |"
        for function in functions
        if (scope := _scope(function))
    ]


def _scope(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """Return a fixture's scope; None for any other function."""
    for decorator in map(ast.unparse, function.decorator_list):
        if decorator.startswith("pytest.fixture"):
            given = re.search(r"scope='(\w+)'", decorator)
            scope: str = given[1] if given else "function"
            return scope
    return None


def _sentence(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    docstring = ast.get_docstring(function)
    if docstring is None:
        raise ValueError(f"the fixture {function.name} has no docstring: say what it is")
    return docstring.partition("\n\n")[0].replace("\n", " ").replace("``", "`").removesuffix(".")


if __name__ == "__main__":
    GUIDE.write_text(with_table(GUIDE.read_text("utf-8")), "utf-8")
