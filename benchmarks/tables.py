"""The figures as tables, and whether they are what was aimed for."""

from collections.abc import Callable, Iterable
from typing import Any

from benchmarks import goals
from benchmarks.results import Values

CONTESTANTS = {
    "project": "**the baked project**",
    "L1": "L1: FastAPI + asyncpg",
    "L2": "L2: FastAPI + SQLAlchemy ORM",
    "s3rius": "s3rius/FastAPI-template",
}
KINDS = {"get": "GET by id", "post": "POST", "list": "list of 50", "livez": "`/livez`"}
WAYS = {
    "empty": "an empty async test",
    "sandbox": "**the sandbox**",
    "delete": "DELETE from every table",
    "sqlite": "a fresh SQLite in memory",
    "truncate": "TRUNCATE of every table",
    "create_drop": "create_all and drop_all",
    "clone": "a clone of the database: `committed`",
}


def of(results: dict[str, Any]) -> str:
    """Write all parts that are there as Markdown."""
    sections = [
        section
        for part, write in WRITERS.items()
        if part in results
        for section in (f"## {part}", origin(results[part]), *write(results[part]["figures"]))
    ]
    held = goals.held(results)
    if held:
        sections.append(table(["aimed for", "is", ""], held))
    return "\n\n".join(sections)


def origin(result: dict[str, Any]) -> str:
    """Say where, when and with what it was measured."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    said = "; ".join(f"{about}: {text}" for about, text in result["notes"].items())
    where = f"{machine(result['machine'])}, {result['machine']['date']}"
    return ". ".join(filter(None, (where, versions, said)))


def machine(about: dict[str, Any]) -> str:
    """Name a machine as far as it matters here."""
    return (
        f"{about['cores']} cores of {about['processor']}, {about['system']},"
        f" Python {about['python']}"
    )


def service(figures: Values) -> Iterable[str]:
    """Write a table of each kind of request, and one of the processes."""
    for kind, title in KINDS.items():
        head = [title, "requests/s", "x L2", "p50 ms", "p99 ms", "CPU ms", "round trips"]
        yield table(head, [_requests(figures, kind, name) for name in there(figures)])
    yield table(
        ["", "import ms", "start ms", "memory MiB"],
        [
            [
                label,
                f"{figures[f'import.{name}.ms']:.0f}",
                f"{figures[f'start.{name}.ms']:.0f}",
                f"{figures[f'memory.{name}.mib']:.0f}",
            ]
            for name, label in there(figures).items()
        ],
    )


def there(figures: Values) -> dict[str, str]:
    """Return the contestants that were measured, with their labels."""
    return {name: label for name, label in CONTESTANTS.items() if f"import.{name}.ms" in figures}


def _requests(figures: Values, kind: str, name: str) -> list[str]:
    about = {
        what: figures[f"{kind}.{name}.{what}"]
        for what in ("rate", "p50", "p99", "cpu", "round_trips")
    }
    return [
        CONTESTANTS[name],
        f"{about['rate']:,.0f}",
        f"{about['rate'] / figures[f'{kind}.L2.rate']:.2f}",
        f"{about['p50']:.1f}",
        f"{about['p99']:.1f}",
        f"{about['cpu']:.2f}",
        f"{about['round_trips']:.1f}",
    ]


def suite(figures: Values) -> Iterable[str]:
    """Write what isolation costs, and the rest one by one."""
    tables = [name.split(".")[1] for name in figures if name.endswith(".sandbox.ms")]
    yield table(
        [
            "one row written, ms a test",
            *(f"{number} table{'s' * (number != '1')}" for number in tables),
        ],
        [
            [text, *(f"{figures[f'isolation.{number}.{way}.ms']:.2f}" for number in tables)]
            for way, text in WAYS.items()
        ],
    )
    yield from plain(
        {name: value for name, value in figures.items() if not name.startswith("isolation.")}
    )


def plain(figures: Values) -> Iterable[str]:
    """Write each figure under its own name."""
    yield table(["figure", "value"], [[name, f"{value:,.2f}"] for name, value in figures.items()])


WRITERS: dict[str, Callable[[Values], Iterable[str]]] = {
    "service": service,
    "growth": plain,
    "bake": plain,
    "suite": suite,
}


def table(head: list[str], rows: list[list[str]]) -> str:
    """Write a table in Markdown; all columns but the first are of figures."""
    aligned = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join(
        [f"| {' | '.join(row)} |" if row != ["-"] else aligned for row in (head, ["-"], *rows)]
    )
