"""Rules about who imports whom."""

import ast
import re
from pathlib import Path
from unittest.mock import Mock

import pytest

from app import features
from app.core.models import Base
from app.settings import ROOT


def imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def offenders(folder: str, forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in sorted(imports(path))
        if f"{name}.".startswith(forbidden)
    ]


def test_core_imports_no_feature() -> None:
    assert offenders("app/core", "app.features.") == []


def test_the_application_imports_neither_tests_nor_tools() -> None:
    assert offenders("app", "tests.") + offenders("app", "tools.") == []


def test_only_core_db_commits() -> None:
    committing = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "app").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback", "begin")
    ]

    assert {Path(name).parent.as_posix() for name in committing} == {"app/core/db"}


def test_every_table_is_known_without_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic would drop, and never create, the table of a model that was not imported."""
    features_folder = ROOT / "app/features"
    files = [*features_folder.glob("*/models.py"), *features_folder.glob("*/models/**/*.py")]
    sources = "".join(path.read_text("utf-8") for path in files)
    # In this process others have imported them already: what counts is who is asked for.
    imported = Mock(wraps=features.import_module)
    monkeypatch.setattr(features, "import_module", imported)

    features.load_models()

    asked = {call.args[0] for call in imported.call_args_list}
    found = {path.relative_to(features_folder).parts[0] for path in files}
    assert asked == {f"app.features.{feature}.models" for feature in found}
    known = {table.name for table in Base.metadata.tables.values()}
    assert set(re.findall(r'__tablename__ = "(\w+)"', sources)) <= known
