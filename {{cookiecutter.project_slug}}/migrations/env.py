"""Alembic's entry point: migrate the database that ``DATABASE_URL`` names.

How it does so on a live system, and how to write a revision: docs/migrations.md.
"""

from importlib import import_module
from importlib.util import find_spec

from app.core.db.migrations.runner import run
from app.core.models import Base
from app.features import load_models

# For `make migration` and the tests; an image has no devkit, and compares nothing.
comparison = import_module("devkit.migrations.autogenerate") if find_spec("devkit") else None

run(Base.metadata, load_models, comparison)
