"""The migration that creates the table of a feature, written from its model without a database."""

from argparse import Namespace
from contextlib import redirect_stdout
from importlib import invalidate_caches
from io import StringIO

from alembic.autogenerate import render_python_code
from alembic.config import Config
from alembic.operations.ops import CreateIndexOp, CreateTableOp, DowngradeOps, UpgradeOps
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import rev_id
from sqlalchemy.dialects import postgresql

from devkit.adapter import ROOT, take
from devkit.commands.feature.names import Names
from devkit.migrations.autogenerate import render_item

Base = take("core.models:Base")
check_files = take("core.db.migrations.errors:check_files")
check_one_head = take("core.db.migrations.errors:check_one_head")

VERSIONS = ROOT / "migrations/versions"


def revisions() -> ScriptDirectory:
    """Return the revisions, which end in one head; raise ``CommandError``."""
    config = Config(toml_file=ROOT / "pyproject.toml", cmd_opts=Namespace(quiet=True))
    script = ScriptDirectory.from_config(config)
    check_files(script)
    check_one_head(script)
    return script


def write_migration(names: Names) -> str:
    """Write the revision; return its path in the project."""
    invalidate_caches()
    take(f"features.{names.plural}.models")
    table = Base.metadata.tables[names.plural]
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    make = [CreateTableOp.from_table(table), *map(CreateIndexOp.from_index, indexes)]
    upgrade = UpgradeOps(make)
    downgrade = upgrade.reverse_into(DowngradeOps([]))
    context = MigrationContext.configure(dialect=postgresql.dialect())
    up, down = (
        _without_comments(
            render_python_code(ops, render_item=render_item, migration_context=context)
        )
        for ops in (upgrade, downgrade)
    )
    with redirect_stdout(StringIO()):  # what Alembic says of the hooks that it runs
        revision = revisions().generate_revision(
            rev_id(),
            f"create {names.plural.replace('_', ' ')}",
            upgrades=up,
            downgrades=down,
            imports="from sqlalchemy.dialects import postgresql" if "postgresql." in up else "",
        )
    if revision is None:
        raise TypeError(names)
    return f"migrations/versions/{revision.path.rpartition('/')[2]}"


def _without_comments(code: str) -> str:
    return "\n".join(line for line in code.split("\n") if "# ###" not in line).strip()
