"""The service, one process, against its limits and what a user would pick instead."""

import json
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import contestants, peer
from benchmarks.contestants import Contestant, Running
from benchmarks.effort import Effort
from benchmarks.project import INSIDE, Project, Server, environment
from benchmarks.results import Figures
from benchmarks.wire import Wire

DATABASE = "bench"
ROWS = 1000
NEW = json.dumps({"name": "lamp <unique>", "description": "It gives light."})
SEED = (
    "INSERT INTO products (name, description)"
    f" SELECT 'product ' || n, 'It gives light.' FROM generate_series(1, {ROWS}) n"
)

Loads = dict[str, dict[str, Any]]


def loads(ids: Sequence[object]) -> Loads:
    """Return what is asked: of each kind of request the paths, the body, and the status."""
    return {
        "get": {"paths": [f"/products/{row_id}" for row_id in ids]},
        "post": {"paths": ["/products"], "body": NEW, "status": 201},
        "list": {"paths": ["/products?limit=50"]},
        "livez": {"paths": ["/livez"]},
    }


def load(project: Project, runners: Sequence[Running], **what: Any) -> dict[str, float]:
    """Load one contestant, as one or several processes, from another process."""
    paths = [runners[0].path(path) for path in what.pop("paths")]
    before = sum(runner.processor_time() for runner in runners)
    told = json.dumps({"ports": [runner.port for runner in runners], "paths": paths, **what})
    result = subprocess.run(
        [project.python, INSIDE / "load.py"],
        env=environment(),
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        sys.exit(f"{runners[0].contestant.name}: {result.stderr}")
    answer: dict[str, float] = json.loads(result.stdout)
    spent = sum(runner.processor_time() for runner in runners) - before
    return answer | {"cpu": spent * 1000 / answer["requests"]}


@contextmanager
def field(figures: Figures) -> Generator[tuple[Project, Server, list[Contestant]]]:
    """Bake the project, start its PostgreSQL with rows in it, and find the others."""
    with Project.fresh() as project, project.postgres() as server, TemporaryDirectory() as folder:
        server.make(DATABASE)
        server.run(SEED, "VACUUM ANALYZE products", database=DATABASE)
        found = [contestants.of_project(project, DATABASE), *contestants.bare(project, DATABASE)]
        try:
            other, version = peer.generated(Path(folder, "peer"), project, DATABASE)
            found.append(other)
            figures.note("s3rius", f"{peer.PACKAGE} {version}")
        except peer.NotToBeHadError as error:
            figures.note("s3rius", f"could not be had: {error}")
        yield project, server, found


def measure(figures: Figures, effort: Effort) -> None:
    with field(figures) as (project, server, found):
        figures.versions = project.versions()
        starts(figures, effort, server, found)
        round_trips(figures, server, found)
        throughput(figures, effort, project, server, found)


def starts(figures: Figures, effort: Effort, server: Server, found: list[Contestant]) -> None:
    """Time the import of each application, and its start until it answers."""
    imports: dict[str, list[float]] = {contestant.name: [] for contestant in found}
    starts: dict[str, list[float]] = {contestant.name: [] for contestant in found}
    for _, contestant in product(range(effort.rounds + 1), found):
        imports[contestant.name].append(_import(contestant, server))
        with contestants.running(contestant, server) as running:
            starts[contestant.name].append(running.started_in)
    for name in imports:  # the first round wrote byte code
        figures.add(f"import.{name}.ms", median(imports[name][1:]) * 1000)
        figures.add(f"start.{name}.ms", median(starts[name][1:]) * 1000)


def _import(contestant: Contestant, server: Server) -> float:
    began = time.perf_counter()
    subprocess.run(
        [contestant.python, "-c", contestant.make],
        cwd=contestant.folder,
        env=environment(**contestant.variables(server)),
        check=True,
    )
    return time.perf_counter() - began


def round_trips(figures: Figures, server: Server, found: list[Contestant]) -> None:
    """Count round trips to PostgreSQL per request, on the wire, when all is warm."""
    (row,) = server.run("SELECT id FROM products LIMIT 1", database=DATABASE)
    kinds = loads(row)
    with Wire.to(server.socket_folder) as wire:
        for contestant in found:
            watched = Server(server.project, wire.folder)
            with contestants.running(contestant, watched) as running:
                for kind, what in kinds.items():
                    _ask(running, what, 20)
                    before = wire.turns
                    _ask(running, what, 50)
                    turns = (wire.turns - before) / 50
                    figures.add(f"{kind}.{contestant.name}.round_trips", turns)


def _ask(running: Running, what: dict[str, Any], times: int) -> None:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=10)
    method = "POST" if "body" in what else "GET"
    for number in range(times):
        body = what.get("body", "").replace("<unique>", f"{time.monotonic_ns()} {number}")
        headers = {"Content-Type": "application/json"}
        connection.request(method, running.path(what["paths"][0]), body or None, headers)
        response = connection.getresponse()
        response.read()
        if response.status != what.get("status", 200):
            sys.exit(f"{running.contestant.name}: {method} answered {response.status}")
    time.sleep(0.05)  # what it does after it answered counts too
    connection.close()


def throughput(
    figures: Figures, effort: Effort, project: Project, server: Server, found: list[Contestant]
) -> None:
    """Load them in turn, round after round: what the machine does meanwhile hits all alike."""
    ids = [row[0] for row in server.run("SELECT id FROM products", database=DATABASE)]
    with ExitStack() as stack:
        field = [stack.enter_context(contestants.running(each, server)) for each in found]
        rounds: dict[tuple[str, str], list[dict[str, float]]] = {}
        for _, (kind, what), running in product(range(effort.rounds), loads(ids).items(), field):
            answer = load(
                project, [running], seconds=effort.seconds, warm_up=effort.warm_up, **what
            )
            rounds.setdefault((kind, running.contestant.name), []).append(answer)
        for (kind, name), answers in rounds.items():
            for figure in ("rate", "p50", "p99", "cpu"):
                figures.add(f"{kind}.{name}.{figure}", median(each[figure] for each in answers))
        for running in field:
            figures.add(f"memory.{running.contestant.name}.mib", running.memory())
