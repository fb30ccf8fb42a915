"""The SQL of a revision is judged before it meets a live system."""

from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest
from alembic.config import Config
from alembic.script import Script
from alembic.util import CommandError

from app.settings import ROOT
from tests.harness.migrating import Revisions
from tools.lint_migrations import complaints, judge, lint

VERSION = "UPDATE alembic_version SET version_num='r2' WHERE alembic_version.version_num = 'r1';"
DROP = "ALTER TABLE products DROP COLUMN name;"

ONLINE = """online.in_batches("UPDATE products SET size = 0 WHERE size IS NULL")"""
OTHER = """op.execute("ALTER TABLE products ALTER size SET DEFAULT 0")"""

SAFE_WAYS = [
    'op.execute("CREATE TABLE things (id uuid NOT NULL); CREATE INDEX ix ON things (id)")',
    'op.execute("ALTER TABLE products ADD COLUMN size bigint")',
    ONLINE,
    'op.execute("ALTER TABLE products ADD CONSTRAINT products_size_not_null NOT NULL size NOT VALID")',
    'online.validate_constraint("products_size_not_null", "products")',
    'op.execute("ALTER TABLE products ADD CONSTRAINT ck_products_size CHECK (size > 0) NOT VALID")',
    'online.validate_constraint("ck_products_size", "products")',
    'online.create_index("uq_products_size", "products", ["size"], unique=True)',
    'op.execute("ALTER TABLE products ADD CONSTRAINT uq_products_size UNIQUE USING INDEX uq_products_size")',
    'online.drop_index("ix_products_name", "products")',
]
"""The rows of the table in docs/migrations.md, a revision each."""


def sql(statements: str) -> str:
    return f"BEGIN;\n\n{statements}\n\n{VERSION}\n\nCOMMIT;\n"


def revision(**names: object) -> Script:
    module = ModuleType("r2")
    vars(module).update(revision="r2", down_revision="r1", **names)
    return Script(module, "r2", ROOT / "migrations/versions/r2.py")


@pytest.fixture
def revisions() -> Generator[Revisions]:
    """Revisions that the test writes itself."""
    with TemporaryDirectory() as folder:  # tmp_path would stay
        revisions = Revisions(Config(toml_file=ROOT / "pyproject.toml"))
        revisions.only_from(Path(folder))
        yield revisions


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (DROP, "ban-drop-column"),
        ("ALTER TABLE products ADD COLUMN colour text NOT NULL;", "adding-required-field"),
        ("ALTER TABLE products ALTER COLUMN size SET NOT NULL;", "adding-not-nullable-field"),
        ("ALTER TABLE products DROP CONSTRAINT ck_products_size;", "ban-drop-constraint"),
        ("ALTER TABLE products ALTER COLUMN size TYPE bigint;", "changing-column-type"),
        ("ALTER TABLE products RENAME COLUMN name TO title;", "renaming-column"),
        ("ALTER TABLE products ADD CONSTRAINT ck CHECK (n > 0);", "constraint-missing-not-valid"),
        ("CREATE INDEX ix ON products (name);", "require-concurrent-index-creation"),
        (
            f"{DROP}\nCOMMIT;\nCREATE INDEX CONCURRENTLY ix ON products (n);\nBEGIN;",
            "prefer-robust-stmts",
        ),
    ],
)
def test_what_is_dangerous_is_found_with_the_reason_and_the_safe_way(
    statement: str, rule: str
) -> None:
    found = judge({"r2": sql(statement)})

    said = "\n".join(complaints(revision(), found["r2"]))
    assert f"migrations/versions/r2.py: {rule}\n    {statement.splitlines()[0]}" in said
    assert "  why: " in said
    assert "  instead: " in said
    assert "See the address below" not in said


def test_the_safe_ways_of_the_docs_are_let_through(revisions: Revisions) -> None:
    for number, upgrade in enumerate(SAFE_WAYS):
        revisions.write(f"r{number}", upgrade)

    assert lint(revisions.config) == []


@pytest.mark.parametrize(
    "upgrade", [f"{ONLINE}; {OTHER}", f"{OTHER}; {ONLINE}"], ids=["after", "before"]
)
def test_what_commits_by_itself_has_a_revision_of_its_own(
    revisions: Revisions, upgrade: str
) -> None:
    revisions.write("r1", upgrade)

    (said,) = lint(revisions.config)

    assert (
        "r1.py: prefer-robust-stmts\n    ALTER TABLE products ALTER size SET DEFAULT 0;\n" in said
    )
    assert "a revision of its own" in said


def test_two_heads_are_refused(revisions: Revisions) -> None:
    for name in ("r1", "r2"):
        revisions.path(name).write_text(f"revision, down_revision = {name!r}, None", "utf-8")

    with pytest.raises(CommandError, match="There are 2 heads, r1 and r2: join them"):
        lint(revisions.config)


def test_a_revision_overrules_a_rule_with_a_reason_and_only_there() -> None:
    found = judge({"r2": sql(DROP)})["r2"]

    assert (
        list(complaints(revision(unsafe={"ban-drop-column": "no release reads it"}), found)) == []
    )
    assert list(complaints(revision(unsafe={"ban-drop-column": " "}), found))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("ALTER TABLE a RENAME TO b;\nALTER INDEX pk_a RENAME TO pk_b;", "renaming-table"),
        ("ALTER TABLE a ADD CONSTRAINT uq UNIQUE (b);", "disallowed-unique-constraint"),
        ("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c (d);", "adding-foreign-key-constraint"),
    ],
)
def test_one_change_is_found_by_one_rule(change: str, rule: str) -> None:
    assert [finding.rule for finding in judge({"r2": sql(change)})["r2"]] == [rule]


def test_a_rule_that_is_overruled_in_vain_is_named() -> None:
    (said,) = complaints(revision(unsafe={"ban-drop-column": "no release reads it"}), [])

    assert said.startswith(f"{Path('migrations/versions/r2.py')}: unsafe names 'ban-drop-column'")
