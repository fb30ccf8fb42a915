"""The figures as tables, and whether they are what was aimed for."""

from collections.abc import Callable, Iterable
from typing import Any

Values = dict[str, float]

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
        for section in (_origin(part, results[part]), *write(results[part]["figures"]))
    ]
    held = goals(results)
    if held:
        sections.append(_table(["aimed for", "is", ""], held))
    return "\n\n".join(sections)


def _origin(part: str, result: dict[str, Any]) -> str:
    machine, notes = result["machine"], result["notes"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    said = "; ".join(f"{about}: {text}" for about, text in notes.items())
    where = (
        f"{machine['cores']} cores of {machine['processor']}, {machine['system']},"
        f" Python {machine['python']}, {machine['date']}"
    )
    return f"### {part}\n\n" + ". ".join(filter(None, (where, versions, said)))


def service(figures: Values) -> Iterable[str]:
    """Write a table of each kind of request, and one of the processes."""
    for kind, title in KINDS.items():
        head = [title, "requests/s", "x L2", "p50 ms", "p99 ms", "CPU ms", "round trips"]
        yield _table(head, [_requests(figures, kind, name) for name in _there(figures)])
    yield _table(
        ["", "import ms", "start ms", "memory MiB"],
        [
            [
                CONTESTANTS[name],
                f"{figures[f'import.{name}.ms']:.0f}",
                f"{figures[f'start.{name}.ms']:.0f}",
                f"{figures[f'memory.{name}.mib']:.0f}",
            ]
            for name in _there(figures)
        ],
    )


def _there(figures: Values) -> list[str]:
    return [name for name in CONTESTANTS if f"import.{name}.ms" in figures]


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
    yield _table(
        ["one row written, ms a test", *(f"{number} tables" for number in tables)],
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
    yield _table(["figure", "value"], [[name, f"{value:,.2f}"] for name, value in figures.items()])


WRITERS: dict[str, Callable[[Values], Iterable[str]]] = {
    "service": service,
    "growth": plain,
    "bake": plain,
    "suite": suite,
}


def goals(results: dict[str, Any]) -> list[list[str]]:
    """Hold the figures against what was aimed for; what has not run is left out."""
    found: Values = {
        f"{part}.{name}": value
        for part, result in results.items()
        for name, value in result["figures"].items()
    }
    rows = []
    for text, measured, limit in GOALS:
        try:
            value, allowed = measured(found), limit(found)
        except KeyError:
            continue
        rows.append([text, f"{value:.2f}", "met" if value <= allowed else f"over {allowed:.2f}"])
    return rows


def _ratio(figure: str, base: str) -> Callable[[Values], float]:
    return lambda found: found[figure] / found[base]


def _value(figure: str) -> Callable[[Values], float]:
    return lambda found: found[figure]


def _at_most(limit: float) -> Callable[[Values], float]:
    return lambda _: limit


GET, POST = "service.get", "service.post"
PAGE_1, PAGE_1000 = "growth.rows.10_thousand.page_1.p50", "growth.rows.1_million.page_1000.p50"
GOALS: list[tuple[str, Callable[[Values], float], Callable[[Values], float]]] = [
    (
        "time of L2 for GET by id: at most 1/1.3",
        _ratio(f"{GET}.L2.rate", f"{GET}.project.rate"),
        _at_most(1 / 1.3),
    ),
    (
        "p99 of GET by id, ms: at most 50 and 5 times p50",
        _value(f"{GET}.project.p99"),
        lambda found: min(50.0, 5 * found[f"{GET}.project.p50"]),
    ),
    (
        "time of L2 for POST: at most 1",
        _ratio(f"{POST}.L2.rate", f"{POST}.project.rate"),
        _at_most(1),
    ),
    (
        "time of s3rius for GET by id: at most 1",
        _ratio(f"{GET}.s3rius.rate", f"{GET}.project.rate"),
        _at_most(1),
    ),
    (
        "import, of L2's: at most 1.15",
        _ratio("service.import.project.ms", "service.import.L2.ms"),
        _at_most(1.15),
    ),
    (
        "start-up, of L2's: at most 1.15",
        _ratio("service.start.project.ms", "service.start.L2.ms"),
        _at_most(1.15),
    ),
    (
        "page 1,000 of a million rows, of page 1 of 10 thousand: at most 1.2",
        _ratio(PAGE_1000, PAGE_1),
        _at_most(1.2),
    ),
    (
        "memory under steady load, of that at its start: at most 1.05",
        _ratio("growth.memory.last.mib", "growth.memory.first.mib"),
        _at_most(1.05),
    ),
    ("bake beyond cookiecutter, ms", _value("bake.beyond_cookiecutter.ms"), _at_most(1000)),
    ("hooks, ms", _value("bake.hooks.ms"), _at_most(150)),
    (
        "the sandbox with 100 tables, of that with one: at most 1.2",
        _ratio("suite.isolation.100.sandbox.ms", "suite.isolation.1.sandbox.ms"),
        _at_most(1.2),
    ),
]


def _table(head: list[str], rows: list[list[str]]) -> str:
    aligned = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join(
        [f"| {' | '.join(row)} |" if row != ["-"] else aligned for row in (head, ["-"], *rows)]
    )
