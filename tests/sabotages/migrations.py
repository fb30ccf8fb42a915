"""What keeps the models, the migrations and the data together."""

from tests.sabotages.sabotage import Sabotage

CREATE_ITEMS = "migrations/versions/2026_11_21_0900_create_items.py"
MIGRATIONS = "tests/integration/test_migrations.py"
ITEMS = "tests/integration/test_items.py"

SABOTAGES = [
    Sabotage(
        "a constraint of the model is in a migration",
        CREATE_ITEMS,
        '        sa.UniqueConstraint("name", name="uq_items_name"),\n',
        "",
        f"{MIGRATIONS}::test_models_and_migrations_agree",
    ),
    Sabotage(
        "a name is unique",
        CREATE_ITEMS,
        '        sa.UniqueConstraint("name", name="uq_items_name"),\n',
        "",
        f"{ITEMS}::test_taken_name_is_a_conflict_and_keeps_earlier_rows",
    ),
    Sabotage(
        "a constraint of a migration is in the model",
        "app/features/items/models.py",
        '        UniqueConstraint("name", name=NAME_IS_UNIQUE),\n',
        "",
        f"{MIGRATIONS}::test_models_and_migrations_agree",
    ),
    Sabotage(
        "a column of the model is in a migration",
        "app/features/items/models.py",
        "    description: Mapped[str | None]\n",
        "    description: Mapped[str | None]\n    colour: Mapped[str | None]\n",
        f"{MIGRATIONS}::test_models_and_migrations_agree",
    ),
    Sabotage(
        "every model is loaded without being listed",
        "app/features/__init__.py",
        '    _modules("models")\n',
        "",
        "tests/unit/test_architecture.py::test_every_table_is_known_without_the_application",
    ),
    Sabotage(
        "a migration goes down again",
        CREATE_ITEMS,
        '    op.drop_table("items")\n',
        "",
        f"{MIGRATIONS}::test_every_migration_goes_down_and_up_again",
    ),
]
