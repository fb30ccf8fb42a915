"""What was aimed for, and whether it is met."""

from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.results import Values


def _ratio(figure: str, base: str) -> Callable[[Values], float]:
    return lambda found: found[figure] / found[base]


def _difference(figure: str, base: str) -> Callable[[Values], float]:
    return lambda found: found[figure] - found[base]


def _value(figure: str) -> Callable[[Values], float]:
    return lambda found: found[figure]


def _at_most(limit: float) -> Callable[[Values], float]:
    return lambda _: limit


GET, POST = "service.get", "service.post"
PAGE_1, PAGE_1000 = "growth.rows.10_thousand.page_1.p50", "growth.rows.1_million.page_1000.p50"
GOALS: list[tuple[str, Callable[[Values], float], Callable[[Values], float]]] = [
    (
        "GET by id: requests/s of L2, of ours; at most 1/1.3",
        _ratio(f"{GET}.L2.rate", f"{GET}.project.rate"),
        _at_most(1 / 1.3),
    ),
    (
        "GET by id: p99, ms; at most 50, and 5 times p50",
        _value(f"{GET}.project.p99"),
        lambda found: min(50.0, 5 * found[f"{GET}.project.p50"]),
    ),
    (
        "POST: requests/s of L2, of ours; at most 1",
        _ratio(f"{POST}.L2.rate", f"{POST}.project.rate"),
        _at_most(1),
    ),
    (
        "GET by id: requests/s of s3rius, of ours; at most 1",
        _ratio(f"{GET}.s3rius.rate", f"{GET}.project.rate"),
        _at_most(1),
    ),
    (
        "time to import, of L2's; at most 1.15",
        _ratio("service.import.project.ms", "service.import.L2.ms"),
        _at_most(1.15),
    ),
    (
        "time to start, of L2's; at most 1.15",
        _ratio("service.start.project.ms", "service.start.L2.ms"),
        _at_most(1.15),
    ),
    (
        "page 1,000 of a million rows, of page 1 of 10 thousand; at most 1.2",
        _ratio(PAGE_1000, PAGE_1),
        _at_most(1.2),
    ),
    (
        "memory after steady load, of that before; at most 1.05",
        _ratio("growth.memory.last.mib", "growth.memory.first.mib"),
        _at_most(1.05),
    ),
    (
        "the bake beyond cookiecutter's own start, ms; at most 1,000",
        _value("bake.beyond_cookiecutter.ms"),
        _at_most(1000),
    ),
    ("the hooks, ms; at most 150", _value("bake.hooks.ms"), _at_most(150)),
    (
        "the sandbox with 100 tables, of that with one; at most 1.1",
        _ratio("suite.isolation.100.sandbox.ms", "suite.isolation.1.sandbox.ms"),
        _at_most(1.1),
    ),
    (
        "the sandbox with one row, beyond an empty test, ms, median of 1 to 100 tables; at most 1.5",
        # Of what differs between 1 and 100 tables in nothing: one moment of a busy machine is left out.
        lambda found: median(
            _difference(f"{name}.sandbox.ms", f"{name}.empty.ms")(found)
            for name in (f"suite.isolation.{tables}" for tables in (1, 10, 40, 100))
        ),
        _at_most(1.5),
    ),
    (
        "POST and GET through `client`, beyond an empty test, ms; at most 3",
        _difference("suite.requests.client.ms", "suite.requests.empty.ms"),
        _at_most(3),
    ),
    (
        "the same, of that with application and engine for each test; at most 0.7",
        _ratio("suite.requests.client.ms", "suite.requests.client_per_test.ms"),
        _at_most(0.7),
    ),
    (
        "`committed` with 40 tables, ms; at most 150",
        _value("suite.isolation.40.clone.ms"),
        _at_most(150),
    ),
    (
        "6,373 tests with `-n 2`, of one after the other; at most 1/1.6",
        _ratio("suite.big.all.parallel.s", "suite.big.all.serial.s"),
        _at_most(1 / 1.6),
    ),
    (
        "start of a run with 200 migrations, of that with one; at most 1.1",
        _ratio("suite.start_up.200.warm.s", "suite.start_up.1.warm.s"),
        _at_most(1.1),
    ),
]


def held(results: dict[str, Any]) -> list[list[str]]:
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
