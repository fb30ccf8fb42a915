"""Write a revision from the models: ``python -m tools.new_revision "add colour"``.

It is written beside the others, tried in a transaction that is rolled back, and only then put among
them: a revision that cannot run is none.
"""

import sys
import warnings
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.operations import MigrationScript, Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text

from app.settings import ROOT
from migrations.autogenerate import ignoring_harmless
from migrations.refusals import check_files, check_one_head, describe

VERSIONS = ROOT / "migrations/versions"

BY_HAND = '`.venv/bin/alembic revision -m "..."`'

MISSING = ("42704", "42883")  # undefined_object, undefined_function
IN_USE = ("23502", "23503", "23505", "23514", "23P01", "55P03")
"""The rows of this database refuse it, or another transaction holds a lock: it may suit another."""

NOT_INSTALLED = text("SELECT name FROM pg_available_extensions WHERE installed_version IS NULL")


class RefusedError(Exception):
    """No revision is written; the message says what to do first."""


def write(message: str) -> str:
    """Write what the models ask for beyond the newest revision; return what to know about it."""
    if not message.strip():
        raise RefusedError('Say what changes: make migration m="add colour"')
    config = Config(toml_file=ROOT / "pyproject.toml", cmd_opts=Namespace(quiet=True))
    script = ScriptDirectory.from_config(config)
    check_files(script)
    check_one_head(script)
    heads = script.get_heads()
    current = _revisions_of_database(config, script)
    if current != tuple(heads):
        raise RefusedError(
            f"The database is at {_named(current)}, and the newest revision is {_named(heads)}:"
            " run `make migrate`, then this again."
        )
    with TemporaryDirectory(dir=VERSIONS, prefix=".new-") as folder:
        revision = _generate(config, message, folder)
        path = Path(revision.path)
        note = _try(config, script, revision)
        path.rename(VERSIONS / path.name)
    return f"migrations/versions/{path.name} is written: read it{note}."


def _generate(config: Config, message: str, folder: str) -> Script:
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{VERSIONS}\n{folder}".replace("%", "%%"))
    try:
        with ignoring_harmless():
            warnings.filterwarnings("error", "No renderer")  # it would write what is no Python
            revision = command.revision(
                config,
                message,
                autogenerate=True,
                version_path=folder,
                process_revision_directives=_only_changes,
            )
    except (CommandError, RefusedError):
        raise
    except Exception as error:
        raise _refusal(error) from error
    if not isinstance(revision, Script):
        raise TypeError(revision)
    return revision


def _only_changes(context: MigrationContext, heads: Any, directives: list[MigrationScript]) -> None:
    # Alembic would call this only afterwards.
    context.opts["process_revision_directives"](context, heads, directives)
    context.opts["process_revision_directives"] = None
    changes = directives[0].upgrade_ops
    if changes is None or changes.is_empty():
        raise RefusedError(
            "Nothing changed: the models ask for no more than the database has. What Alembic does"
            f" not see is written by hand: {BY_HAND}."
        )


def _revisions_of_database(config: Config, script: ScriptDirectory) -> tuple[str, ...]:
    found: tuple[str, ...] = ()

    def keep(heads: tuple[str, ...], _: MigrationContext) -> list[object]:
        nonlocal found
        found = heads
        return []

    with EnvironmentContext(config, script, fn=keep, dont_mutate=True):
        script.run_env()
    return found


def _try(config: Config, script: ScriptDirectory, revision: Script) -> str:
    """Run the revision up and down, and roll back; add extensions that it needs; return a note."""
    error: Exception | None = None
    extensions: list[str] = []

    def run(_: object, migration: MigrationContext) -> list[object]:
        nonlocal error
        trial = Trial(migration, revision)
        error = trial.run()
        while error and (name := trial.extension_for(error, extensions)):
            extensions.append(name)
            error = trial.run(extensions)
        return []

    with EnvironmentContext(config, script, fn=run, dont_mutate=True):
        script.run_env()
    if error and _state(error) not in IN_USE:
        raise _refusal(error) from error
    _create(extensions, Path(revision.path))
    notes = [f", it creates extension {name}" for name in extensions]
    if error:
        notes.append(f", on your database it fails now: {describe(error)}")
    return "".join(notes)


class Trial:
    """Runs a revision in a transaction that is rolled back."""

    def __init__(self, migration: MigrationContext, revision: Script) -> None:
        self._migration = migration
        self._revision = revision
        if migration.connection is None:
            raise TypeError(migration)
        self._connection = migration.connection

    def run(self, extensions: Sequence[str] = ()) -> Exception | None:
        """Return the error that it ends with, if any."""
        trial = self._connection.begin_nested()
        try:
            self._connection.execute(text("SET LOCAL lock_timeout = '1s'"))
            for name in extensions:
                self._connection.execute(text(f'CREATE EXTENSION "{name}"'))
            with Operations.context(self._migration):
                self._revision.module.upgrade()
                self._revision.module.downgrade()
        except Exception as error:
            return error
        else:
            return None
        finally:
            trial.rollback()

    def extension_for(self, error: Exception, known: Sequence[str]) -> str | None:
        """Return the extension with which the revision gets beyond this error."""
        if _state(error) not in MISSING:
            return None
        others: set[str] = {*self._connection.scalars(NOT_INSTALLED)} - {*known}
        for name in sorted(others):
            after = self.run([*known, name])
            if describe(after) != describe(error) and "CREATE EXTENSION" not in describe(after):
                return name
        return None


def _create(extensions: list[str], path: Path) -> None:
    """Let the revision create the extensions; it drops none, for it may not be the one who made it."""
    head = "def upgrade() -> None:\n"
    lines = [f'    op.execute("CREATE EXTENSION IF NOT EXISTS {name}")\n' for name in extensions]
    source = path.read_text("utf-8")
    path.write_text(source.replace(head, head + "".join(lines), 1), "utf-8")


def _refusal(error: Exception) -> RefusedError:
    first = f"Write what makes it: {BY_HAND}, `make migrate`, then run this again."
    hint = (
        first if _state(error) in MISSING else f"Change the models, or write it by hand: {BY_HAND}."
    )
    return RefusedError(f"No revision is written, it could not run: {describe(error)}. {hint}")


def _state(error: Exception) -> str | None:
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state


def _named(revisions: tuple[str, ...] | list[str]) -> str:
    return " and ".join(revisions) or "none"


if __name__ == "__main__":
    try:
        print(write(" ".join(sys.argv[1:])))
    except (RefusedError, CommandError) as refusal:
        sys.exit(str(refusal))
