"""What stops a migration, in one line that says what to do next: Alembic prints its own errors so."""

import traceback
import warnings
from collections.abc import Collection, Generator
from contextlib import contextmanager

from alembic.runtime.migration import RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from asyncpg import InterfaceError, PostgresError
from pydantic import ValidationError
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from app.settings import ROOT, MissingSettingError, explain
from migrations.patience import Steps

LONGEST_STATEMENT = 200
"""Characters that are shown: enough to find it, and still one line."""


@contextmanager
def refusing_settings() -> Generator[None]:
    """Say which settings are wrong."""
    try:
        yield
    except ValidationError as error:
        raise CommandError(explain(error)) from None
    except MissingSettingError as error:
        raise CommandError(str(error)) from None


@contextmanager
def naming_database(url: URL) -> Generator[None]:
    """Say which database it is that cannot be reached or used, and nothing that is secret."""
    host = url.host or url.query.get("host", "localhost")
    place = f"{host}:{url.port or 5432}/{url.database}"
    try:
        yield
    except (OSError, DBAPIError, ValueError, PostgresError, InterfaceError) as error:
        raise CommandError(
            f"The database at {place} cannot be used: {_reason(error)}."
            " Is the server up, and DATABASE_URL right?"
        ) from None


@contextmanager
def naming_revision(steps: Steps) -> Generator[None]:
    """Say in which revision it went wrong, and where there."""
    try:
        yield
    except CommandError:
        raise
    except Exception as error:
        if steps.failed is None:
            raise
        raise CommandError(
            f"{str(steps.failed).rstrip('.')}{_place(steps, error)}: {describe(error)};"
            f" {_outcome(error)}"
        ) from error


def check_files(script: ScriptDirectory) -> None:
    """Refuse revisions that are no Python, there twice, or after one that is not there."""
    with warnings.catch_warnings(action="error", category=UserWarning):
        try:
            script.get_heads()
        except (SyntaxError, UserWarning) as error:
            raise CommandError(f"migrations/versions: {error}") from None


def check_one_head(script: ScriptDirectory) -> None:
    """Refuse what two branches of the code have both put after the same revision."""
    heads = script.get_heads()
    if len(heads) > 1:
        raise CommandError(
            f"There are {len(heads)} heads, {' and '.join(heads)}: join them with"
            ' `.venv/bin/alembic merge heads -m "join"`, then run this again.'
        )


def check_known(script: ScriptDirectory, found: Collection[str]) -> None:
    """Refuse a database that another branch of the code, or a newer release, has migrated."""
    try:
        script.get_revisions(tuple(found))
    except CommandError:
        raise CommandError(
            f"The database is at {' and '.join(found)}, which this checkout does not have: pull it;"
            " or, on the branch that has it, run `.venv/bin/python -m tools.postgres .venv/bin/alembic"
            " downgrade -1`; or empty the database of make run with `make reset`."
        ) from None


def describe(error: Exception | None) -> str:
    """Return the reason of an error and the statement that it belongs to, in one line."""
    return f"{_reason(error)}{_statement(error)}" if error else ""


def _place(steps: Steps, error: Exception) -> str:
    if not isinstance(steps.failed, RevisionStep):
        return ""
    path = steps.failed.revision.path
    trace = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in trace if frame.filename == path]
    line = f", line {lines[-1]}" if lines else ""
    return f" ({path.removeprefix(f'{ROOT}/')}{line})"


def _reason(error: Exception) -> str:
    if not isinstance(error, DBAPIError):
        return f"{type(error).__name__}: {_one_line(str(error))}"
    # The server's message; its detail may hold the values of a row.
    return _one_line(str(error.orig).partition("\n")[0])


def _statement(error: Exception) -> str:
    if not isinstance(error, DBAPIError) or not error.statement:
        return ""
    return f", in `{_one_line(error.statement)}`"


def _outcome(error: Exception) -> str:
    # A connection that is lost while it commits does not say whether it did.
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "the connection is lost. Run this again: it goes on from what is applied."
    return "it is not applied. Fix it, then run this again."


def _one_line(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= LONGEST_STATEMENT else f"{joined[:LONGEST_STATEMENT]}..."
