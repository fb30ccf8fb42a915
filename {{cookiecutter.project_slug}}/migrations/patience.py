"""A migration that waits for a lock holds up everyone behind it: so it gives up soon, and comes again."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator

from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

LOCK_TIMEOUT = 0.2
"""Seconds to wait for a lock: so long are reads and writes of that table held up, at each attempt."""

STATEMENT_TIMEOUT = 20.0
"""Seconds for a statement, since it keeps its locks as long; ``migrations.online`` has no limit."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two attempts, give or take a half, so that two services do not keep in step."""

ATTEMPTS = 40
"""For one migration, with the pauses about five minutes: longer than a request, shorter than a report."""

LOCKED = ("55P03", "40P01")  # lock_not_available, deadlock_detected
CANCELLED = "57014"  # by statement_timeout

logger = logging.getLogger(__name__)


Plan = Callable[[tuple[str, ...], MigrationContext], Iterable[MigrationStep]]
"""Finds the migrations to run from the revisions that a database has; each command has its own."""


def limits() -> str:
    """Return the SQL that sets both limits for a connection."""
    lock, statement = round(LOCK_TIMEOUT * 1000), round(STATEMENT_TIMEOUT * 1000)
    return f"SET lock_timeout = {lock}; SET statement_timeout = {statement}"


class Steps:
    """The migrations to run, which go on where an attempt failed.

    Alembic asks for them again at each attempt, and would understand ``+2`` from where it then is.
    """

    def __init__(self, plan: Plan, report: Callable[[MigrationStep], None]) -> None:
        self._plan = plan
        self._report = report
        self._steps: Iterator[MigrationStep] | None = None
        self.failed: MigrationStep | None = None
        self.attempts = 1

    def __call__(
        self, heads: tuple[str, ...], migration: MigrationContext
    ) -> Iterator[MigrationStep]:
        if self._steps is None:
            self._steps = iter(self._plan(heads, migration))
        while step := self.failed or next(self._steps, None):
            self.failed = step
            yield step  # an error ends this generator here
            self.failed, self.attempts = None, 1
            self._report(step)


async def insist(
    connection: AsyncConnection, steps: Steps, attempt: Callable[[], Awaitable[None]]
) -> None:
    """Run the migrations; one that does not get its lock is tried again, and none twice."""
    while True:
        try:
            await attempt()
        except DBAPIError as error:
            await connection.rollback()
            state = getattr(error.orig, "sqlstate", None)
            if state == CANCELLED:
                raise CommandError(_too_slow(steps)) from error
            if state not in LOCKED:
                raise
            if steps.attempts >= ATTEMPTS:
                raise CommandError(_locked_out(steps)) from error
        else:
            return
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 1.5**steps.attempts)
        pause *= random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        logger.warning(
            "%s: no lock within %g s, attempt %d of %d; again in %.1f s",
            *(_name(steps), LOCK_TIMEOUT, steps.attempts, ATTEMPTS, pause),
        )
        steps.attempts += 1
        await asyncio.sleep(pause)


def _name(steps: Steps) -> str:
    return str(steps.failed or "the table of versions")


def _locked_out(steps: Steps) -> str:
    return (
        f"{_name(steps)}: no lock in {ATTEMPTS} attempts, and nothing of it is applied. Look for a long"
        " transaction in pg_stat_activity (xact_start): when it is gone, run this again."
    )


def _too_slow(steps: Steps) -> str:
    return (
        f"{_name(steps)}: a statement took more than {STATEMENT_TIMEOUT:g} s, in which its locks hold others"
        " up; nothing of it is applied. docs/migrations.md has ways that lock less."
    )
