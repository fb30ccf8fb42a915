"""A baked project in which generated tests are timed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.effort import Effort
from benchmarks.project import INSIDE, Project, environment

HERE = Path(__file__).parent
ROUNDS = 3

REVISION = '''
"""Create tables to count with."""

from alembic import op

revision = "bench"
down_revision = "6d5b0f1c9a34"


def upgrade() -> None:
    for number in range({tables}):
        op.execute(f"CREATE TABLE bench_{{number}} (id integer PRIMARY KEY)")


def downgrade() -> None: ...
'''

ONE_OF_MANY = '''
"""Create one more table."""

from alembic import op

revision = "many_{number}"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("CREATE TABLE many_{number} (id integer PRIMARY KEY)")


def downgrade() -> None: ...
'''


class Bench:
    """A baked project whose tests are replaced by generated ones."""

    def __init__(self, project: Project, effort: Effort) -> None:
        self.project = project.folder
        self.python = project.python
        self.share = effort.share
        self.rounds = min(ROUNDS, effort.rounds)
        self.written = project.folder.parent / "costs.json"
        for folder_of_tests in ("unit", "integration", "e2e"):
            for path in (self.project / "tests" / folder_of_tests).glob("test_*.py"):
                path.unlink()
        self.with_tables(1)

    def with_tables(self, tables: int) -> None:
        revision = self.project / "migrations/versions/bench.py"
        revision.write_text(REVISION.format(tables=tables), encoding="utf-8")

    def run(self, *arguments: str) -> float:
        """Run the suite; return the seconds it took as a whole."""
        return run_pytest(self.project, self.written, "-p", "no:randomly", *arguments)

    def cost(self, suite: str, tests: int, tables: int = 1) -> float:
        """Return what one test costs in the middle, in milliseconds."""
        tests = max(5, int(tests * self.share))
        file = self.project / "tests/integration/test_bench.py"
        file.write_text(suite.format(tests=tests, tables=tables), encoding="utf-8")
        self.run(str(file.relative_to(self.project)))
        file.unlink()
        costs: list[float] = read(self.written)["costs"]
        return median(costs[1:])  # the first starts the server


def run_pytest(project: Path, written: Path, *arguments: str, **variables: str) -> float:
    """Run pytest with the plugin that times it; return the seconds it took as a whole."""
    started = time.perf_counter()
    result = subprocess.run(
        [".venv/bin/python", "-m", "pytest", "-q", "-p", "timing", *arguments],
        cwd=project,
        env=environment(PYTHONPATH=f"{HERE}{os.pathsep}{INSIDE}", COSTS=str(written), **variables),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        sys.exit(result.stdout)
    return time.perf_counter() - started


def read(written: Path) -> dict[str, Any]:
    """Return what the plugin wrote."""
    said: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return said
