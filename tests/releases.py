"""Two releases of a project, and the revisions that lead from one to the other while both serve."""

from pathlib import Path

FIRST = "6d5b0f1c9a34"
"""The revision that a baked project begins with."""

REVISION = '''"""A revision of a test."""

from alembic import op
{imports}
revision, down_revision = "{revision}", "{after}"


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''

OLD_COLUMNS = """
    size: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(Enum("fresh", "stale", name="status"))
"""

NEW_COLUMNS = """
    size: Mapped[int] = mapped_column("size_wide")
    status: Mapped[str] = mapped_column("state")
    colour: Mapped[str | None]
"""

BEGINNING = """op.execute("CREATE TYPE status AS ENUM ('fresh', 'stale')")
    op.execute("ALTER TABLE products ADD COLUMN size integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE products ADD COLUMN status status NOT NULL DEFAULT 'fresh'")
    op.execute("INSERT INTO products (name, size) SELECT 'old ' || n, 7 FROM generate_series(1, 500) n")
"""

# Each release writes its own columns; until the old one is gone, the database keeps the others in step.
EXPAND = '''op.execute("ALTER TABLE products ADD COLUMN colour text, ADD COLUMN size_wide bigint,"
        " ADD COLUMN state text CONSTRAINT ck_products_state CHECK (state IN ('fresh', 'stale', 'gone'))")
    op.execute("""
        CREATE FUNCTION keep_products_in_step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.size_wide IS NULL THEN
                NEW.size_wide := NEW.size;
                NEW.state := NEW.status;
            ELSIF TG_OP = 'INSERT' THEN
                NEW.size := NEW.size_wide;
                NEW.status := NEW.state;
            ELSE
                IF NEW.size_wide IS DISTINCT FROM OLD.size_wide THEN NEW.size := NEW.size_wide; END IF;
                IF NEW.state IS DISTINCT FROM OLD.state THEN NEW.status := NEW.state; END IF;
                IF NEW.size IS DISTINCT FROM OLD.size THEN NEW.size_wide := NEW.size; END IF;
                IF NEW.status IS DISTINCT FROM OLD.status THEN NEW.state := NEW.status; END IF;
            END IF;
            RETURN NEW;
        END $$""")
    op.execute("CREATE TRIGGER keep_in_step BEFORE INSERT OR UPDATE ON products"
        " FOR EACH ROW EXECUTE FUNCTION keep_products_in_step()")'''

FILL = """online.in_batches("UPDATE products SET size_wide = size, state = status::text"
        " WHERE id IN (SELECT id FROM products WHERE size_wide IS NULL LIMIT 100)")"""

CONTRACT = """op.execute("DROP TRIGGER keep_in_step ON products")
    op.execute("ALTER TABLE products DROP COLUMN size, DROP COLUMN status")
    op.execute("DROP FUNCTION keep_products_in_step()")
    op.execute("DROP TYPE status")"""


def write(project: Path, revision: str, after: str, upgrade: str, downgrade: str = "pass") -> None:
    """Add a revision to the project."""
    imports = "\nfrom migrations import online\n" if "online." in upgrade else ""
    names = {"revision": revision, "after": after, "imports": imports}
    source = REVISION.format(upgrade=upgrade, downgrade=downgrade, **names)
    (project / f"migrations/versions/{revision}.py").write_text(source, encoding="utf-8")


def make_old(project: Path) -> None:
    """Give products a narrow integer and an enum of the database."""
    write(project, "r2", FIRST, BEGINNING)
    _replace(
        project,
        "models.py",
        "from sqlalchemy import Index,",
        "from sqlalchemy import Enum, Integer, Index,",
    )
    _replace(
        project,
        "models.py",
        "    description: Mapped[str | None]\n",
        f"    description: Mapped[str | None]{OLD_COLUMNS}",
    )
    _replace(
        project,
        "schemas.py",
        "    description: Description | None = None\n\n\nclass ProductUpdate",
        "    description: Description | None = None\n    size: int = 0\n    status: str = 'fresh'\n\n\nclass ProductUpdate",
    )
    _replace(
        project,
        "schemas.py",
        "    description: str | None\n",
        "    description: str | None\n    size: int\n    status: str\n",
    )


def make_new(project: Path) -> None:
    """Use a column more, a wide integer and a text with a check."""
    _replace(project, "models.py", OLD_COLUMNS, NEW_COLUMNS)
    write(project, "r3", "r2", EXPAND)
    write(project, "r4", "r3", FILL)


def contract(project: Path) -> None:
    """Remove what no release uses any more: the revision of the release after."""
    write(project, "r5", "r4", CONTRACT)


def _replace(project: Path, name: str, old: str, new: str) -> None:
    path = project / "app/features/products" / name
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1, old
    path.write_text(source.replace(old, new), encoding="utf-8")
