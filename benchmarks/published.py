"""What is published of a run: the baseline, drawings, all tables, and the README's own.

``python -m benchmarks.published``: ``make bench-baseline``.
"""

import re
import shutil
import sys
import textwrap
from collections.abc import Callable

from benchmarks import goals, plots, tables
from benchmarks.compare import BASELINE
from benchmarks.results import FILE, Results, read
from benchmarks.tables import table
from tools.bake import ROOT

README = ROOT / "README.md"
TABLES = ROOT / "benchmarks/results.md"
PARTS = {"service", "growth", "bake", "suite"}
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def isolation(results: Results) -> str:
    """Write what keeping tests apart costs, by the number of tables."""
    (first, *_) = tables.suite(results["suite"]["figures"])
    return first


def suite(results: Results) -> str:
    """Write what a suite as a whole costs."""
    figures = results["suite"]["figures"]
    one_by_one = table(
        ["", "takes"],
        [
            [text, f"{figures[f'{name}.{unit}']:.1f} {unit}"]
            for text, name, unit in (
                ("a test that POSTs and GETs a product through `client`", "requests.client", "ms"),
                (
                    "the same, with application and engine made for each test",
                    "requests.client_per_test",
                    "ms",
                ),
                (
                    "through FastAPI and SQLAlchemy alone (L2), nothing kept apart",
                    "requests.bare",
                    "ms",
                ),
                ("of each, what any async test takes", "requests.empty", "ms"),
                ("a run of one test; there is 1 migration", "start_up.1.warm", "s"),
                ("the same with 200 migrations", "start_up.200.warm", "s"),
                ("the same when the migrations are new", "start_up.200.cold", "s"),
                ("`make test` of a fresh bake, with the install", "make_test.cold", "s"),
                ("`make test` again", "make_test.warm", "s"),
            )
        ],
    )
    many = table(
        ["", "one after the other", "`-n 2`"],
        [
            [text, *(f"{figures[f'big.{name}.{way}.s']:.1f} s" for way in ("serial", "parallel"))]
            for text, name in (
                (f"{figures['big.tests']:,.0f} tests", "all"),
                ("27 % of them, a POST and a GET each", "client"),
                ("3 % of them, `committed`", "committed"),
                ("70 % of them, unit tests of one line", "unit"),
                ("as many in an empty project: pytest and xdist alone", "plain"),
            )
        ],
    )
    return f"{one_by_one}\n\n{many}"


def service(results: Results) -> str:
    """Write requests a second and the slowest of a hundred, of each contestant."""
    figures = results["service"]["figures"]
    return table(
        ["requests/s (p99, ms)", *tables.KINDS.values(), "start, ms"],
        [
            [
                label,
                *(
                    f"{figures[f'{kind}.{name}.rate']:,.0f} ({figures[f'{kind}.{name}.p99']:.0f})"
                    for kind in tables.KINDS
                ),
                f"{figures[f'start.{name}.ms']:,.0f}",
            ]
            for name, label in tables.there(figures).items()
        ],
    )


def growth(results: Results) -> str:
    """Write what grows with rows, processes, time and features."""
    figures = results["growth"]["figures"]

    def of(name: str, unit: str) -> str:
        return f"{figures[name]:,.1f} {unit}"

    rows, features = "rows.{}.page_{}.p50", "features.{}.{}.ms"
    return table(
        ["", "little", "much"],
        [
            [
                "page 1 of 10 thousand rows; page 1,000 of a million",
                of(rows.format("10_thousand", 1), "ms"),
                of(rows.format("1_million", 1000), "ms"),
            ],
            [
                f"memory before and after {figures['memory.seconds'] / 60:.0f} minutes of 50 requests/s",
                of("memory.first.mib", "MiB"),
                of("memory.last.mib", "MiB"),
            ],
            [
                "GET by id of one process, and of two, on the cores that the load needs too",
                of("processes.1.rate", "/s"),
                of("processes.2.rate", "/s"),
            ],
            *(
                [
                    f"{title} with 1 feature, and with 200",
                    of(features.format(1, what), "ms"),
                    of(features.format(200, what), "ms"),
                ]
                for what, title in {
                    "import": "import",
                    "openapi": "the OpenAPI document",
                    "collect": "collection of the tests",
                }.items()
            ),
        ],
    )


def origin(results: Results) -> str:
    """Say where, when and with what all of it was measured."""
    parts = results.values()
    versions = {name: version for part in parts for name, version in part["versions"].items()}
    notes = [note for part in parts for about, note in part["notes"].items() if about != "took"]
    machines = {tables.machine(part["machine"]) for part in parts}
    days = {part["machine"]["date"][:10] for part in parts}
    said = [
        "; ".join(sorted(machines)),
        "/".join(sorted(days)),
        *(f"{name} {version}" for name, version in sorted(versions.items())),
        *notes,
    ]
    return textwrap.fill(f"Medians, on {', '.join(said)}.", 110)


def aims(results: Results) -> str:
    """Write what was aimed for, and whether it is met."""
    return table(["aimed for", "is", ""], goals.held(results))


BLOCKS: dict[str, Callable[[Results], str]] = {
    "isolation": isolation,
    "suite": suite,
    "service": service,
    "growth": growth,
    "aims": aims,
    "origin": origin,
}


def filled(text: str, results: Results) -> str:
    """Return the text with each block's figures from this run."""

    def fill(block: re.Match[str]) -> str:
        return f"{block[1]}{BLOCKS[block[2]](results)}\n{block[3]}"

    return BLOCK.sub(fill, text)


def main() -> None:
    results = read(FILE)
    if missing := PARTS - results.keys():
        sys.exit(f"{FILE} lacks {', '.join(sorted(missing))}: run `make bench`.")
    shutil.copyfile(FILE, BASELINE)
    plots.draw(results, plots.FOLDER)
    TABLES.write_text(f"# Results of `make bench`\n\n{tables.of(results)}\n", encoding="utf-8")
    README.write_text(filled(README.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
