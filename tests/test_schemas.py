"""Every type of a column and every kind of schema object: written, migrated, tested, and found again."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live import Live
from tests.releases import write
from tests.workshop import Make, run_tests

SCHEMAS = Path(__file__).parent / "schemas"

NEW_CODE = "CREATE FUNCTION new_code() RETURNS text LANGUAGE sql AS 'SELECT md5(random()::text)'"

ROWS = """{"declared": "INSERT INTO declared (word) VALUES ('hello')"}"""
DECLARED = """{
    "column orders.mood": "no release uses it",
    "column audit.entries.level": "likewise",
    "enum audit.grade": "likewise",
}"""

HALF_WAY = [
    "ALTER TABLE rooms ADD COLUMN size bigint, ADD COLUMN seats bigint, ADD COLUMN owner_id uuid",
    "ALTER TABLE rooms ADD CONSTRAINT ck_rooms_size CHECK (size > 0) NOT VALID",
    "ALTER TABLE rooms ADD CONSTRAINT ck_rooms_odd CHECK (size > 0 OR name = 'NOT VALID') NOT VALID",
    "ALTER TABLE rooms ADD CONSTRAINT rooms_seats_not_null NOT NULL seats NOT VALID",
    "ALTER TABLE rooms ADD CONSTRAINT fk_rooms_owner_id_people FOREIGN KEY (owner_id)"
    " REFERENCES people (id) NOT VALID",
]

ROOM = """    __tablename__ = "rooms"
    __table_args__ = (
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("size > 0 OR name = 'NOT VALID'", name="odd"),
    )

    size: Mapped[int | None]
    seats: Mapped[int]
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
"""

MIGRATIONS = ("tests/integration/test_migrations.py", "tests/unit/test_architecture.py")


def add(workshop: Path, name: str) -> Path:
    """Give the project a feature with these models; return their file."""
    folder = workshop / "app/features" / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    return Path(shutil.copy(SCHEMAS / f"{name}.py", folder / "models.py"))


def declare(workshop: Path, name: str, value: str) -> None:
    replace(
        workshop / "migrations/objects.py", f"{name}: dict[str, str] = {{}}", f"{name} = {value}"
    )


def replace(path: Path, old: str, new: str) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1, old
    path.write_text(source.replace(old, new), encoding="utf-8")


def statements(sql: list[str]) -> str:
    return "\n    ".join(f"op.execute({statement!r})" for statement in sql)


def sql(name: str) -> list[str]:
    lines = (SCHEMAS / f"only_migrations_make.{name}.sql").read_text(encoding="utf-8").splitlines()
    return [line.removesuffix(";") for line in lines]


def newest(workshop: Path) -> str:
    """Return the newest revision."""
    files = workshop.glob("migrations/versions/*.py")
    sources = "".join(path.read_text(encoding="utf-8") for path in files)
    found = {line.split(" = ")[1] for line in sources.splitlines() if line.startswith("revision")}
    after = "".join(line for line in sources.splitlines() if "down_revision" in line)
    (revision,) = (name.strip("\"'") for name in found if name.strip("\"'") not in after)
    return revision


def names(workshop: Path) -> set[str]:
    return {path.name for path in (workshop / "migrations/versions").iterdir()} - {"__pycache__"}


def migrate(make: Make) -> None:
    result = make("migrate")
    assert result.returncode == 0, result.stdout + result.stderr


def migration(make: Make, message: str) -> str:
    result = make("migration", f"m={message}")
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines()[-1]


def refusal(make: Make, message: str) -> str:
    """Return the one line with which no revision is written."""
    result = make("migration", f"m={message}")
    said = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert result.returncode != 0
    assert len(said) == 1, result.stderr
    return said[0]


def assert_green(workshop: Path, installed: Path, server: str, *arguments: str) -> None:
    result = run_tests(workshop, installed, server, *arguments, timeout=400)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.heavy
def test_every_type_of_sqlalchemy_is_migrated(
    workshop: Path, installed: Path, server: str, make: Make
) -> None:
    migrate(make)
    add(workshop, "every_type")

    said = migration(make, "every type")

    for extension in ("citext", "hstore", "vector"):
        assert f"it creates extension {extension}" in said
    migrate(make)
    assert "Nothing changed" in refusal(make, "again")
    assert_green(workshop, installed, server, *MIGRATIONS)


def test_types_that_are_left_out_are_none_of_postgresql(installed: Path, live: Live) -> None:
    probe = (
        f"import sys, json; sys.path.insert(0, {str(SCHEMAS.parent)!r})\n"
        "from schemas.every_type import ELSEWHERE; print(json.dumps(sorted(ELSEWHERE)))"
    )
    python = installed / ".venv/bin/python"
    result = subprocess.run([python, "-c", probe], cwd=installed, capture_output=True, check=True)
    left_out = json.loads(result.stdout)

    known = {name for name in left_out if live.query(f"SELECT to_regtype('{name}')") != [[None]]}

    assert left_out
    assert known == set()


@pytest.mark.heavy
@pytest.mark.timeout(900)  # it ends with the project's whole suite
def test_every_shape_of_a_schema_is_migrated_and_tested(
    workshop: Path, installed: Path, server: str, make: Make
) -> None:
    migrate(make)
    models = add(workshop, "every_shape")
    before = names(workshop)
    said = refusal(make, "shapes")
    assert "function new_code() does not exist" in said
    assert "Write what makes it" in said
    assert names(workshop) == before

    write(
        workshop,
        "r2",
        newest(workshop),
        statements([NEW_CODE]),
        'op.execute("DROP FUNCTION new_code")',
    )
    migrate(make)
    migration(make, "shapes")
    migrate(make)
    assert "Nothing changed" in refusal(make, "again")

    write(workshop, "r4", newest(workshop), statements(sql("up")), statements(sql("down")))
    add(workshop, "of_a_view")
    migrate(make)
    assert "Nothing changed" in refusal(make, "again")
    result = run_tests(workshop, installed, server, *MIGRATIONS)
    assert (
        "Give these tables an INSERT in ROWS of migrations/objects.py:\n- declared: "
        in result.stdout
    )
    declare(workshop, "ROWS", ROWS)
    assert_green(workshop, installed, server, *MIGRATIONS)

    replace(models, '    __tablename__ = "rooms"\n', ROOM)
    replace(models, "    mood: Mapped[str] = mapped_column(sa.CHAR(3))\n", "")
    column = (
        '    level: Mapped[Level] = mapped_column(sa.Enum(Level, name="grade", schema="audit"))\n'
    )
    replace(models, column, "")
    drop = "ALTER TABLE rooms DROP COLUMN size, DROP COLUMN seats, DROP COLUMN owner_id"
    write(workshop, "r5", "r4", statements(HALF_WAY), statements([drop]))
    migrate(make)
    result = run_tests(workshop, installed, server, *MIGRATIONS)
    for name in ("column orders.mood", "column audit.entries.level", "enum audit.grade"):
        assert name in result.stdout, result.stdout
    declare(workshop, "ONLY_IN_DATABASE", DECLARED)
    assert "Nothing changed" in refusal(make, "again")
    assert_green(workshop, installed, server, *MIGRATIONS)
    assert_green(workshop, installed, server, "-n", "2")


@pytest.mark.heavy
def test_tables_that_refer_to_each_other_are_dropped_again(workshop: Path, make: Make) -> None:
    migrate(make)
    write(
        workshop,
        "r2",
        newest(workshop),
        statements([NEW_CODE]),
        'op.execute("DROP FUNCTION new_code")',
    )
    migrate(make)
    models = add(workshop, "every_shape")
    migration(make, "shapes")
    migrate(make)
    replace(models, "OLDER = CreateView(", "OLDER = lambda: CreateView(")
    write(workshop, "r4", newest(workshop), 'op.execute("DROP VIEW older_people")')
    source = models.read_text(encoding="utf-8")
    kept = source.partition("class Team(")[0] + "class Entry(" + source.partition("class Entry(")[2]
    models.write_text(kept.partition("OLDER =")[0], encoding="utf-8")
    migrate(make)

    migration(make, "drop teams and the rest")

    migrate(make)
    assert "Nothing changed" in refusal(make, "again")


LEFTOVERS = {
    "table old_products": "CREATE TABLE old_products (id bigint)",
    "table audit.entries": "CREATE SCHEMA audit CREATE TABLE entries (id bigint)",
    "column products.colour": "ALTER TABLE products ADD COLUMN colour text",
    "index products.ix_products_name": "CREATE INDEX ix_products_name ON products (name)",
    "constraint products.ck_products_name": "ALTER TABLE products ADD CONSTRAINT ck_products_name CHECK (name > '')",
    "enum mood": "CREATE TYPE mood AS ENUM ('good')",
    "domain positive": "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
    "sequence numbers": "CREATE SEQUENCE numbers",
}


@pytest.mark.heavy
def test_what_only_migrations_make_is_named_until_it_is_declared(
    workshop: Path, installed: Path, server: str, make: Make
) -> None:
    write(workshop, "r2", newest(workshop), statements([*LEFTOVERS.values()]))
    migrate(make)
    tests = (*MIGRATIONS, "-k", "agree or the_schema")

    red = run_tests(workshop, installed, server, *tests, "-vv")

    for name in LEFTOVERS:
        assert f"{name}: " in red.stdout, red.stdout
    assert "ONLY_IN_DATABASE of migrations/objects.py" in red.stdout
    declare(workshop, "ONLY_IN_DATABASE", repr(dict.fromkeys(LEFTOVERS, "a test")))
    assert_green(workshop, installed, server, *tests)
    assert "Nothing changed" in refusal(make, "again")
    replace(workshop / "migrations/objects.py", "'domain positive'", "'domain negative'")
    red = run_tests(workshop, installed, server, *tests)
    assert "domain positive" in red.stdout, red.stdout


COLOUR = "    description: Mapped[str | None]\n"
UNKNOWN = '''
from sqlalchemy import schema, text


class Odd(schema.ColumnCollectionConstraint):
    """A constraint that Alembic cannot write."""


Product.__table__.append_constraint(Odd("name"))
'''


@pytest.mark.heavy
def test_a_revision_that_cannot_run_is_not_written(workshop: Path, make: Make) -> None:
    migrate(make)
    models = workshop / "app/features/products/models.py"
    source = models.read_text(encoding="utf-8")
    before = names(workshop)
    default = f'{COLOUR}    odd: Mapped[str] = mapped_column(server_default=text("1 +"))\n'
    wrong_sql = "from sqlalchemy import text\nfrom sqlalchemy.orm import mapped_column\n"

    models.write_text(wrong_sql + source.replace(COLOUR, default), encoding="utf-8")
    assert "it could not run: syntax error at" in refusal(make, "wrong SQL")
    new_table = UNKNOWN.replace(
        "Product.__table__", 'schema.Table("odd", Product.metadata, schema.Column("name"))'
    )
    models.write_text(f"{source}{new_table}", encoding="utf-8")
    assert "it could not run: UserWarning: No renderer is established for object Odd(" in refusal(
        make, "no Python"
    )

    assert names(workshop) == before
    models.write_text(source, encoding="utf-8")
    assert "Nothing changed" in refusal(make, "again")


@pytest.mark.heavy
def test_a_revision_that_the_rows_refuse_is_written_with_a_word(
    workshop: Path, live: Live, make: Make
) -> None:
    migrate(make)
    live.query("INSERT INTO products (name) VALUES ('one')")
    models = workshop / "app/features/products/models.py"
    replace(models, COLOUR, f"{COLOUR}    colour: Mapped[str]\n")

    said = migration(make, "colour")

    assert (
        'on your database it fails now: column "colour" of relation "products" contains null'
        in said
    )


@pytest.mark.heavy
def test_revisions_of_one_minute_stand_in_their_order(workshop: Path, make: Make) -> None:
    migrate(make)
    models = workshop / "app/features/products/models.py"
    written = ["2026_11_21_0900_create_products.py"]
    for name in ("zebra", "apple"):
        replace(models, COLOUR, f"{COLOUR}    {name}: Mapped[str | None]\n")
        said = migration(make, name)
        written.append(said.split()[0].rpartition("/")[2])
        migrate(make)

    assert sorted(written) == written
