from alembic.script import ScriptDirectory

from app.settings import ROOT
from migrations.catalog import declarations


def test_there_is_one_head() -> None:
    heads = ScriptDirectory(ROOT / "migrations").get_heads()

    assert len(heads) <= 1, 'join them: .venv/bin/alembic merge heads -m "join"'


def test_a_declaration_stands_for_all_that_its_table_or_column_has() -> None:
    index = (
        "index old_products.ix_old_products_name",
        "table old_products",
        "column old_products.name",
    )
    declared = {"table old_*": "", "column old_products.name": "", "index products.*": ""}

    assert declarations(index, declared) == {"table old_*", "column old_products.name"}
