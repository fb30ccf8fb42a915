"""devkit imports nothing of the application."""

import ast

from devkit.adapter import ROOT

IMPORTS = (ast.Import, ast.ImportFrom)


def test_devkit_imports_nothing_of_the_application() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for path in sorted((ROOT / "devkit").rglob("*.py"))
        if ROOT / "devkit/tests" not in path.parents
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, IMPORTS) and _names(node) & {"app", "migrations"}
    ]

    assert offenders == []


def _names(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
    )
    return {name.partition(".")[0] for name in names}
