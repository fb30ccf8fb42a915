"""What is published of a run: the baseline, drawings, all tables, and the README's own.

``python -m benchmarks.published``: ``make bench-baseline``.
"""

import re
import shutil
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import plots, tables
from benchmarks.compare import BASELINE
from benchmarks.results import FILE, Values, read
from benchmarks.tables import table
from tools.bake import ROOT

README = ROOT / "README.md"
TABLES = ROOT / "benchmarks/results.md"
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def isolation(figures: Values) -> str:
    """Write what keeping tests apart costs, by the number of tables."""
    (first, *_) = tables.suite(figures)
    return first


def suite(figures: Values) -> str:
    """Write what a suite as a whole costs."""

    def of(name: str) -> str:
        return f"{figures[name]:.1f}"

    return table(
        ["", "ms", "seconds"],
        [
            ["a test that POSTs and GETs an item through `client`", of("requests.client.ms"), ""],
            [
                "the same, with application and engine made for each test",
                of("requests.client_per_test.ms"),
                "",
            ],
            [
                f"{figures['big.tests']:,.0f} tests: 70 % unit, 27 % POST and GET, 3 % committed",
                "",
                of("big.serial.s"),
            ],
            ["the same with `-n 2`", "", of("big.parallel.s")],
            ["one test, with 1 migration; the run as a whole", "", of("start_up.1.warm.s")],
            ["the same with 200 migrations", "", of("start_up.200.warm.s")],
            ["the same when the migrations are new", "", of("start_up.200.cold.s")],
            ["`make test` of a fresh bake, with the install", "", of("make_test.cold.s")],
            ["`make test` again", "", of("make_test.warm.s")],
        ],
    )


def service(figures: Values) -> str:
    """Write requests a second and the slowest of a hundred, of each contestant."""
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


def growth(figures: Values) -> str:
    """Write what grows with rows, processes, time and features."""

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


BLOCKS: dict[str, tuple[str, Callable[[Values], str]]] = {
    "isolation": ("suite", isolation),
    "suite": ("suite", suite),
    "service": ("service", service),
    "growth": ("growth", growth),
}


def filled(text: str, results: dict[str, Any]) -> str:
    """Return the text with each block's figures from this run."""

    def fill(block: re.Match[str]) -> str:
        part, write = BLOCKS[block[2]]
        result = results[part]
        return f"{block[1]}{write(result['figures'])}\n\n{tables.origin(result)}.\n{block[3]}"

    return BLOCK.sub(fill, text)


def main() -> None:
    results = read(FILE)
    if missing := {part for part, _ in BLOCKS.values()} - results.keys():
        sys.exit(f"{FILE} lacks {', '.join(sorted(missing))}: run `make bench`.")
    shutil.copyfile(FILE, BASELINE)
    plots.draw(results, plots.FOLDER)
    TABLES.write_text(f"# Results of `make bench`\n\n{tables.of(results)}\n", encoding="utf-8")
    README.write_text(filled(README.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
