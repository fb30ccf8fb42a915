"""The SQL of a revision is judged before it meets a live system."""

from pathlib import Path
from types import ModuleType

import pytest
from alembic.script import Script

from app.core.settings import ROOT
from tools.lint_migrations import complaints, judge

VERSION = "UPDATE alembic_version SET version_num='r2' WHERE alembic_version.version_num = 'r1';"
DROP = "ALTER TABLE items DROP COLUMN name;"


def sql(statements: str) -> str:
    return f"BEGIN;\n\n{statements}\n\n{VERSION}\n\nCOMMIT;\n"


def revision(**names: object) -> Script:
    module = ModuleType("r2")
    vars(module).update(revision="r2", down_revision="r1", **names)
    return Script(module, "r2", ROOT / "migrations/versions/r2.py")


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (DROP, "ban-drop-column"),
        ("ALTER TABLE items ADD COLUMN colour text NOT NULL;", "adding-required-field"),
        ("ALTER TABLE items ALTER COLUMN size TYPE bigint;", "changing-column-type"),
        ("ALTER TABLE items RENAME COLUMN name TO title;", "renaming-column"),
        ("ALTER TABLE items ADD CONSTRAINT ck CHECK (n > 0);", "constraint-missing-not-valid"),
        ("CREATE INDEX ix ON items (name);", "require-concurrent-index-creation"),
        (
            f"{DROP}\nCOMMIT;\nCREATE INDEX CONCURRENTLY ix ON items (n);\nBEGIN;",
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


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE things (id uuid NOT NULL);\nCREATE INDEX ix ON things (id);",
        "ALTER TABLE items ADD COLUMN colour text;",
        "ALTER TABLE items ADD CONSTRAINT ck CHECK (n > 0) NOT VALID;",
        "COMMIT;\nSET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS ix ON items (n);\nBEGIN;",
    ],
)
def test_the_safe_ways_are_let_through(statement: str) -> None:
    assert judge({"r2": sql(statement)}) == {"r2": []}


def test_a_revision_overrules_a_rule_with_a_reason_and_only_there() -> None:
    found = judge({"r2": sql(DROP)})["r2"]

    assert list(complaints(revision(unsafe={"ban-drop-column": "nobody reads it"}), found)) == []
    assert list(complaints(revision(unsafe={"ban-drop-column": " "}), found))


def test_a_rule_that_is_overruled_in_vain_is_named() -> None:
    (said,) = complaints(revision(unsafe={"ban-drop-column": "nobody reads it"}), [])

    assert said.startswith(f"{Path('migrations/versions/r2.py')}: unsafe names 'ban-drop-column'")
