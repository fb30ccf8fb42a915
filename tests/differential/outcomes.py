"""What the scenarios declare, read from their source, and the part of the guide that tells of it."""

import ast
import textwrap
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
BEGIN, END = "<!-- scenarios -->", "<!-- /scenarios -->"


class Declared(NamedTuple):
    """A scenario, and what is known of it; both reasons are empty where all three are equal."""

    name: str
    theme: str
    what: str
    """What the guide calls it."""
    refused: str
    differs: str


def declared() -> list[Declared]:
    """Return every scenario, theme by theme."""
    return [
        scenario
        for theme in sorted((HERE / "probe").glob("*.py"))
        for scenario in _scenarios(theme)
    ]


def _scenarios(theme: Path) -> Generator[Declared]:
    module = ast.parse(theme.read_text(encoding="utf-8"))
    title = (ast.get_docstring(module) or "").rstrip(".")
    texts = {
        node.targets[0].id: node.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in module.body:
        if not isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "scenario":
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                refused, differs = (
                    _text(given.get(reason), texts) for reason in ("refused", "differs")
                )
                what = (ast.get_docstring(node) or node.name.replace("_", " ")).rstrip(".")
                yield Declared(node.name, title, what, refused, differs)


def _text(node: ast.expr | None, texts: dict[str, ast.expr]) -> str:
    if isinstance(node, ast.Name):
        node = texts[node.id]
    return str(ast.literal_eval(node)) if node else ""


def table() -> str:
    """Write what the guide says between its two comments."""
    scenarios = declared()
    equal = [scenario for scenario in scenarios if not scenario.refused and not scenario.differs]
    themes = dict.fromkeys(scenario.theme for scenario in equal)
    counts = [f"{theme} ({sum(scenario.theme == theme for scenario in equal)})" for theme in themes]
    return "\n".join(
        [
            BEGIN,
            "",
            "| refused | write instead |",
            "|---|---|",
            *_rows({each.what: each.refused for each in scenarios if each.refused}),
            "",
            "| different | write instead |",
            "|---|---|",
            *_rows({each.what: each.differs for each in scenarios if each.differs}),
            "",
            f"{len(equal)} other scenarios are equal in the sandbox, with `committed` and in the served",
            "application:",
            *textwrap.wrap("; ".join(counts) + ".", 108, break_on_hyphens=False),
            "",
            END,
        ]
    )


def _rows(reasons: dict[str, str]) -> Generator[str]:
    """Yield a row for each reason, with all that it is the reason for."""
    for reason in sorted(set(reasons.values())):
        what = "; ".join(what for what, own in reasons.items() if own == reason)
        yield f"| {what} | {reason} |"


def with_table(guide: str) -> str:
    """Return the guide with the table as it should be."""
    before, _, rest = guide.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{table()}{after}"


if __name__ == "__main__":
    path = HERE.parents[1] / "{{cookiecutter.project_slug}}/docs/testing.md"
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
