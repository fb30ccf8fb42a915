"""A database whose revision the test chooses."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection

from tests.harness.databases import alembic_config, settings_for

REVISION = """
from alembic import op
from migrations import online

revision, down_revision = {revision!r}, {after!r}


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
"""


class Revisions:
    """Revisions that a test writes, each after the one before."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._newest: str | None = None

    def only_from(self, folder: Path) -> None:
        """Take revisions from this folder, and none of the project's."""
        self.config.set_main_option("version_locations", str(folder).replace("%", "%%"))
        self.config.set_main_option("path_separator", "newline")

    def write(self, revision: str, upgrade: str, downgrade: str = "pass") -> None:
        """Add a revision to that folder, after the one before."""
        source = REVISION.format(
            revision=revision, after=self._newest, upgrade=upgrade, downgrade=downgrade
        )
        self.path(revision).write_text(source, "utf-8")
        self._newest = revision

    def path(self, revision: str) -> Path:
        """Return where ``write`` puts this revision."""
        return Path(str(self.config.get_main_option("version_locations")), f"{revision}.py")


class Migrating(Revisions):
    """Runs Alembic's commands on one database, and SQL beside them."""

    def __init__(self, url: URL, connection: asyncpg.Connection) -> None:
        super().__init__(alembic_config(url))
        # Deadlines of requests that make no sense here: one no server accepts, one outlives a test.
        self.config.attributes["settings"] = settings_for(url).model_copy(
            update={"database_statement_timeout": -1.0, "database_lock_timeout": 60.0}
        )
        self.connection = connection

    async def upgrade(self, revision: str = "head") -> None:
        await asyncio.to_thread(command.upgrade, self.config, revision)

    async def downgrade(self, revision: str) -> None:
        await asyncio.to_thread(command.downgrade, self.config, revision)

    async def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement; it commits."""
        return [tuple(row) for row in await self.connection.fetch(sql)]

    async def climb(self, on_each_step: Callable[[Connection], None]) -> None:
        """Take every revision up, down and up again; before each step, do something."""
        script = ScriptDirectory.from_config(self.config)

        def stairs(_: object, migration: MigrationContext) -> Any:
            connection = migration.connection
            assert connection
            for revision in reversed([*script.walk_revisions()]):
                up = MigrationStep.upgrade_from_script(script.revision_map, revision)
                down = MigrationStep.downgrade_from_script(script.revision_map, revision)
                for step in (up, down, up):
                    on_each_step(connection)
                    connection.commit()
                    yield step

        with EnvironmentContext(self.config, script, fn=stairs):
            await asyncio.to_thread(script.run_env)
