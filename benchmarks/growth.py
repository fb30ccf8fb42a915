"""What grows with use, and what must not: rows, processes, hours, features."""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from itertools import product
from pathlib import Path
from statistics import median
from threading import Thread

from benchmarks import contestants
from benchmarks.contestants import Running
from benchmarks.effort import Effort
from benchmarks.project import Project, Server, call
from benchmarks.results import Figures
from benchmarks.service import load

DATABASE = "growth"
ROWS = {"10_thousand": 10_000, "1_million": 1_000_000}
SMALL_PAGE = 10
"""So that there are 1,000 pages of 10 thousand rows."""
FEATURES = (1, 10, 200)
STEADY = 50.0
"""Requests a second."""


def measure(figures: Figures, effort: Effort) -> None:
    with Project.fresh() as project:
        figures.versions = project.versions()
        with project.postgres() as server:
            server.make(DATABASE)
            ids = pages(figures, effort, project, server)
            processes(figures, effort, project, server, ids)
            soak(figures, effort, project, server, ids)
        features(figures, effort, project)


def pages(figures: Figures, effort: Effort, project: Project, server: Server) -> list[object]:
    """Time the first page of a list and the thousandth, of few rows and of many."""
    there = 0
    contestant = contestants.of_project(project, DATABASE)
    for name, rows in ROWS.items():
        server.run(_insert(there, rows), "VACUUM ANALYZE products", database=DATABASE)
        there = rows
        with contestants.running(contestant, server) as running:
            paths = {"1": f"/products?limit={SMALL_PAGE}", "1000": _page_1000(running)}
            rounds = [
                {page: one(project, running, effort, path) for page, path in paths.items()}
                for _ in range(effort.rounds)
            ]
        for page in paths:
            figures.add(f"rows.{name}.page_{page}.p50", median(each[page] for each in rounds))
    return [row[0] for row in server.run("SELECT id FROM products LIMIT 1000", database=DATABASE)]


def one(project: Project, running: Running, effort: Effort, path: str) -> float:
    """Return the median latency of one connection's requests, without any queue."""
    answer = load(project, [running], paths=[path], connections=1, seconds=effort.seconds / 2)
    return answer["p50"]


def _insert(there: int, rows: int) -> str:
    return (
        "INSERT INTO products (name, description, created_at) SELECT 'product ' || n, 'It gives light.',"
        f" now() - n * interval '1 second' FROM generate_series({there + 1}, {rows}) n"
    )


def _page_1000(running: Running) -> str:
    """Follow the cursors from page to page, as a client would."""
    connection = HTTPConnection("127.0.0.1", running.port, timeout=10)
    path = first = f"/products?limit={SMALL_PAGE}"
    for _ in range(999):
        connection.request("GET", path)
        page = json.loads(connection.getresponse().read())
        path = f"{first}&cursor={page['next_cursor']}"
    connection.close()
    return path


def processes(
    figures: Figures, effort: Effort, project: Project, server: Server, ids: Sequence[object]
) -> None:
    """Load one process, then two beside each other; they share the cores with all else here."""
    contestant = contestants.of_project(project, DATABASE)
    paths = [f"/products/{row_id}" for row_id in ids]
    with ExitStack() as stack:
        two = [stack.enter_context(contestants.running(contestant, server)) for _ in range(2)]
        rounds: dict[int, list[float]] = {1: [], 2: []}
        for _, number in product(range(effort.rounds), rounds):
            answer = load(project, two[:number], paths=paths, seconds=effort.seconds)
            rounds[number].append(answer["rate"])
    for number, rates in rounds.items():
        figures.add(f"processes.{number}.rate", median(rates))


def soak(
    figures: Figures, effort: Effort, project: Project, server: Server, ids: Sequence[object]
) -> None:
    """Watch the memory of a process under steady load, after it was warmed by a heavy one."""
    contestant = contestants.of_project(project, DATABASE)
    paths = [f"/products/{row_id}" for row_id in ids]
    with contestants.running(contestant, server) as running:
        load(project, [running], paths=paths, seconds=effort.seconds)
        measured = [running.memory()]
        steady = Thread(
            target=load,
            args=(project, [running]),
            kwargs={"paths": paths, "rate": STEADY, "seconds": effort.soak, "warm_up": 0.0},
        )
        steady.start()
        while steady.is_alive():
            steady.join(effort.soak / 20)
            measured.append(running.memory())
    figures.add("memory.seconds", effort.soak)
    figures.add("memory.first.mib", measured[0])
    figures.add("memory.last.mib", measured[-1])
    figures.add("memory.most.mib", max(measured))


def features(figures: Figures, effort: Effort, project: Project) -> None:
    """Time import, OpenAPI and collection for copies of the example beside it."""
    rounds = min(3, effort.rounds)
    for number in FEATURES:
        for copy in range(1, number):
            _copy_example(project.folder, copy)
        _times(project, 1)  # writes byte code
        for name, value in _times(project, rounds).items():
            figures.add(f"features.{number}.{name}.ms", value * 1000)


def _copy_example(project: Path, number: int) -> None:
    feature = f"thing{number}s"
    if (project / "app/features" / feature).exists():
        return
    shutil.copytree(project / "app/features/products", project / "app/features" / feature)
    tests = project / f"tests/integration/test_{feature}.py"
    shutil.copy(project / "tests/integration/test_products.py", tests)
    factory = project / f"tests/factories/{feature}.py"
    shutil.copy(project / "tests/factories/products.py", factory)
    for path in (tests, factory, *(project / "app/features" / feature).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        text = text.replace("Product", f"Thing{number}").replace("product", f"thing{number}")
        path.write_text(text, encoding="utf-8")


MAKE = """
import time
began = time.perf_counter()
from app.main import create_app
app = create_app()
made = time.perf_counter()
app.openapi()
print(made - began, time.perf_counter() - made)
"""


def _times(project: Project, rounds: int) -> dict[str, float]:
    times = [
        [float(word) for word in call([project.python, "-c", MAKE], project.folder).split()]
        for _ in range(rounds)
    ]
    imports, documents = (median(each) for each in zip(*times, strict=True))
    return {"import": imports, "openapi": documents, "collect": _collect(project, rounds)}


def _collect(project: Project, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        call([project.python, "-m", "pytest", "-q", "--collect-only"], project.folder)
        times.append(time.perf_counter() - began)
    return median(times)
