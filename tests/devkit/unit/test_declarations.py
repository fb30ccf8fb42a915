"""Which schema objects a declaration in migrations/objects.py stands for."""

from devkit.migrations.catalog import declarations


def test_a_declaration_stands_for_all_that_its_table_or_column_has() -> None:
    index = (
        "index old_products.ix_old_products_name",
        "table old_products",
        "column old_products.name",
    )
    declared = {"table old_*": "", "column old_products.name": "", "index products.*": ""}

    assert declarations(index, declared) == {"table old_*", "column old_products.name"}
