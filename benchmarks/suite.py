"""The suite of a baked project: what isolation, requests, size and start-up cost."""

import shutil
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import suites
from benchmarks.bench import ONE_OF_MANY, REVISION, Bench, read, run_pytest
from benchmarks.effort import Effort
from benchmarks.project import Project
from benchmarks.results import Figures

TABLES = (1, 10, 40, 100)
MIGRATIONS = (1, 50, 200)


def measure(figures: Figures, effort: Effort) -> None:
    with Project.fresh() as project:
        figures.versions = project.versions()
        make_test(figures, project)
        bench = Bench(project, effort)
        start_up(figures, bench)
        requests(figures, bench)
        isolation(figures, bench)
        big_suite(figures, bench)


def isolation(figures: Figures, bench: Bench) -> None:
    """Time a test that writes one row, for each way to keep it from the next test."""
    ways = {
        "empty": (suites.EMPTY, 300),
        "sandbox": (suites.SANDBOX, 300),
        "delete": (suites.DELETE, 60),
        "truncate": (suites.TRUNCATE, 30),
        "create_drop": (suites.CREATE_DROP, 15),
        "sqlite": (suites.SQLITE, 60),
        "clone": (suites.CLONE, 15),
    }
    for tables in TABLES:
        bench.with_tables(tables)
        rounds = [
            {way: bench.cost(suite, tests, tables) for way, (suite, tests) in ways.items()}
            for _ in range(bench.rounds)
        ]
        for way in ways:
            figures.add(f"isolation.{tables}.{way}.ms", median(each[way] for each in rounds))
    bench.with_tables(1)


def requests(figures: Figures, bench: Bench) -> None:
    """Time a test that POSTs and GETs; through L2 it leaves its row, and nothing is kept apart."""
    ways = {
        "empty": suites.EMPTY,
        "client": suites.CLIENT,
        "client_per_test": suites.CLIENT_PER_TEST,
        "bare": suites.CLIENT_BARE,
    }
    rounds = [
        {way: bench.cost(suite, 200) for way, suite in ways.items()} for _ in range(bench.rounds)
    ]
    for way in ways:
        figures.add(f"requests.{way}.ms", median(each[way] for each in rounds))


def big_suite(figures: Figures, bench: Bench) -> None:
    """Time a large suite and its parts, one test after the other and in two processes."""
    parts = {
        "unit": ("tests/unit/test_big.py", suites.BIG_UNIT, 4461),
        "client": ("tests/integration/test_big.py", suites.CLIENT, 1721),
        "committed": ("tests/integration/test_big_committed.py", suites.BIG_COMMITTED, 191),
    }
    total = 0
    for name, (file, suite, all_tests) in parts.items():
        tests = max(5, int(all_tests * bench.share))
        Path(bench.project, file).write_text(suite.format(tests=tests), encoding="utf-8")
        total += tests
        in_two_ways(figures, f"big.{name}", partial(bench.run, file))
    figures.add("big.tests", total)
    in_two_ways(figures, "big.all", bench.run)
    with TemporaryDirectory() as folder:
        # Nothing but pytest and xdist, neither settings nor other plugins: their own price.
        Path(folder, ".venv").symlink_to(bench.project / ".venv")
        tests = max(5, int(parts["unit"][-1] * bench.share))
        Path(folder, "test_plain.py").write_text(suites.PLAIN.format(tests=tests), encoding="utf-8")
        alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        plain = partial(run_pytest, Path(folder), bench.written, "-p", "xdist", **alone)
        in_two_ways(figures, "big.plain", plain)


def in_two_ways(figures: Figures, name: str, run: Callable[..., float]) -> None:
    """Time tests one after the other, and in two processes."""
    figures.add(f"{name}.serial.s", run())
    figures.add(f"{name}.parallel.s", run("-n", "2"))


def start_up(figures: Figures, bench: Bench) -> None:
    """Time the fixture that migrates and clones, for a first run and for those after it."""
    file = bench.project / "tests/integration/test_bench.py"
    file.write_text(suites.SANDBOX.format(tests=1), encoding="utf-8")
    versions = bench.project / "migrations/versions"
    for migrations, temperature in product(MIGRATIONS, ("cold", "warm")):
        if temperature == "cold":
            for number in range(2, migrations):  # the example's own, and that of the bench
                text = ONE_OF_MANY.format(number=number, before=before(number))
                (versions / f"many_{number}.py").write_text(text, encoding="utf-8")
            bench_revision = REVISION.format(tables=1).replace(
                'down_revision = "6d5b0f1c9a34"', f'down_revision = "{before(migrations)}"'
            )
            (versions / "bench.py").write_text(bench_revision, encoding="utf-8")
            shutil.rmtree(bench.project / ".data/test", ignore_errors=True)
        total = bench.run(str(file.relative_to(bench.project)))
        phases = read(bench.written)["phases"]
        name = f"start_up.{migrations}.{temperature}"
        figures.add(f"{name}.s", total)
        figures.add(f"{name}.migrate_and_clone.s", phases["engine"])
    for path in versions.glob("many_*.py"):
        path.unlink()
    bench.with_tables(1)
    file.unlink()


def before(number: int) -> str:
    """Return the revision that this one, by number, follows."""
    return "6d5b0f1c9a34" if number <= 2 else f"many_{number - 1}"


def make_test(figures: Figures, project: Project) -> None:
    """Split the first two ``make test`` of a fresh bake into what they do."""
    written = project.folder.parent / "costs.json"
    shutil.rmtree(project.folder / ".venv")
    for temperature in ("cold", "warm"):
        name = f"make_test.{temperature}"
        install = seconds(project.install)
        total = run_pytest(project.folder, written)
        phases = read(written)["phases"]
        figures.add(f"{name}.install.s", install)
        for phase in ("collect", "postgres", "engine"):
            figures.add(f"{name}.{phase}.s", phases[phase])
        figures.add(f"{name}.run.s", total - sum(phases.values()))
        figures.add(f"{name}.s", install + total)


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
