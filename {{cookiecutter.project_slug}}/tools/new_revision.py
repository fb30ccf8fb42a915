"""Write a revision from the models: ``python -m tools.new_revision "add colour"``."""

import sys

from alembic import command
from alembic.config import Config
from alembic.operations import MigrationScript
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from app.settings import ROOT
from migrations.refusals import check_files, check_one_head


class RefusedError(Exception):
    """No revision is written; the message says what to do first."""


def write(message: str) -> None:
    """Write what the models ask for beyond the newest revision, or raise ``RefusedError``."""
    if not message.strip():
        raise RefusedError('Say what changes: make migration m="add colour"')
    config = Config(toml_file=ROOT / "pyproject.toml")
    script = ScriptDirectory.from_config(config)
    check_files(script)
    check_one_head(script)
    heads = script.get_heads()
    current = revisions_of_database(config, script)
    if current != tuple(heads):
        raise RefusedError(
            f"The database is at {_named(current)}, and the newest revision is {_named(heads)}:"
            " run `make migrate`, then this again."
        )
    command.revision(config, message, autogenerate=True, process_revision_directives=_only_changes)


def revisions_of_database(config: Config, script: ScriptDirectory) -> tuple[str, ...]:
    found: tuple[str, ...] = ()

    def keep(heads: tuple[str, ...], _: MigrationContext) -> list[object]:
        nonlocal found
        found = heads
        return []

    with EnvironmentContext(config, script, fn=keep, dont_mutate=True):
        script.run_env()
    return found


def _only_changes(_1: object, _2: object, directives: list[MigrationScript]) -> None:
    changes = directives[0].upgrade_ops
    if changes is None or changes.is_empty():
        raise RefusedError(
            "Nothing changed: the models ask for no more than the database has. What Alembic does"
            ' not see is written by hand: `.venv/bin/alembic revision -m "..."`.'
        )


def _named(revisions: tuple[str, ...] | list[str]) -> str:
    return " and ".join(revisions) or "none"


if __name__ == "__main__":
    try:
        write(" ".join(sys.argv[1:]))
    except (RefusedError, CommandError) as refusal:
        sys.exit(str(refusal))
