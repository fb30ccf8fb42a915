"""Time the suite of a baked project: ``make bench``.

What is compared runs in turn, in one session on one machine; each figure is the median cost of a test,
its set-up and teardown included. Quote the ratios: milliseconds belong to the machine.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import suites
from tools.bake import bake, clean_copy

HERE = Path(__file__).parent
TABLES = (1, 10, 40, 100)
ROUNDS = 3


class Bench:
    """A baked project whose tests are replaced by generated ones."""

    def __init__(self, folder: Path) -> None:
        template = clean_copy(folder / "template")
        self.project = bake(template, folder, {"project_name": "Bench"})
        subprocess.run(["make", "lint"], cwd=self.project, check=True, stdout=subprocess.DEVNULL)
        self.costs = folder / "costs.json"
        for folder_of_tests in ("unit", "integration", "e2e"):
            for path in (self.project / "tests" / folder_of_tests).glob("test_*.py"):
                path.unlink()

    def with_tables(self, tables: int) -> None:
        revision = self.project / "migrations/versions/bench.py"
        revision.write_text(suites.REVISION.format(tables=tables), encoding="utf-8")

    def run(self, *arguments: str) -> float:
        """Run the suite; return the seconds it took as a whole."""
        started = time.perf_counter()
        result = subprocess.run(
            [".venv/bin/python", "-m", "pytest", "-q", "-p", "no:randomly", *arguments],
            cwd=self.project,
            env={"PATH": os.defpath, "PYTHONPATH": str(HERE), "COSTS": str(self.costs)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            sys.exit(result.stdout)
        return time.perf_counter() - started

    def cost(self, suite: str, tests: int, tables: int = 1) -> float:
        """Return what one test costs in the middle, in milliseconds."""
        file = self.project / "tests/integration/test_bench.py"
        file.write_text(suite.format(tests=tests, tables=tables), encoding="utf-8")
        self.run("-p", "timing", str(file.relative_to(self.project)))
        file.unlink()
        costs: list[float] = json.loads(self.costs.read_text(encoding="utf-8"))
        return median(costs[1:])  # the first starts the server


def isolation(bench: Bench) -> None:
    ways = {
        "an empty async test": (suites.EMPTY, 300),
        "**the sandbox: a rolled back savepoint**": (suites.SANDBOX, 300),
        "DELETE from every table": (suites.DELETE, 60),
        "TRUNCATE of every table": (suites.TRUNCATE, 30),
        "create_all and drop_all": (suites.CREATE_DROP, 15),
        "a fresh SQLite in memory": (suites.SQLITE, 60),
        "a clone of the database: `committed`": (suites.CLONE, 15),
    }
    print("\n| one row written, ms a test | " + " | ".join(f"{n} tables" for n in TABLES) + " |")
    print("|---|" + "---:|" * len(TABLES))
    rows: dict[str, list[float]] = {way: [] for way in ways}
    for tables in TABLES:
        bench.with_tables(tables)
        rounds = [
            {way: bench.cost(suite, tests, tables) for way, (suite, tests) in ways.items()}
            for _ in range(ROUNDS)
        ]
        for way in ways:
            rows[way].append(median(figures[way] for figures in rounds))
    for way, figures in rows.items():
        print(f"| {way} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |")


def requests(bench: Bench) -> None:
    ways = {
        "an empty async test": suites.EMPTY,
        "**POST and GET through `client`**": suites.CLIENT,
        "the same, application and engine made for each test": suites.CLIENT_PER_TEST,
    }
    rounds = [{way: bench.cost(suite, 200) for way, suite in ways.items()} for _ in range(ROUNDS)]
    print("\n| | ms a test |\n|---|---:|")
    for way in ways:
        print(f"| {way} | {median(figures[way] for figures in rounds):.2f} |")


def big_suite(bench: Bench) -> None:
    parts = {
        "unit": (suites.BIG_UNIT, 4461),
        "integration": (suites.CLIENT, 1721),
        "integration/committed": (suites.BIG_COMMITTED, 191),
    }
    for name, (suite, tests) in parts.items():
        folder, _, rest = name.partition("/")
        file = bench.project / f"tests/{folder}/test_big{rest}.py"
        file.write_text(suite.format(tests=tests), encoding="utf-8")
    total = sum(tests for _, tests in parts.values())
    serial, parallel = bench.run(), bench.run("-n", "2")
    print(f"\n{total:,} tests: {serial:.0f} s one after the other, {parallel:.0f} s with `-n 2`")
    print(f"({serial / parallel:.2f} times as fast).")


def main() -> None:
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        print(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}")
        bench.with_tables(1)
        requests(bench)
        isolation(bench)
        big_suite(bench)
        shutil.rmtree(bench.project / ".data", ignore_errors=True)


if __name__ == "__main__":
    main()
