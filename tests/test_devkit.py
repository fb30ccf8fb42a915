"""devkit keeps its promises: its proofs run in a baked project, beside its own self-tests."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workshop import bring_proofs, run_tests

SELF_TESTS_MAX = 25
"""Tests that every project runs in `make check`: the rest of the proof is here."""

LINES_MAX = 400


@pytest.mark.heavy
@pytest.mark.parametrize("layer", ["unit", "integration"])
def test_every_proof_holds(layer: str, workshop: Path, installed: Path, server: str) -> None:
    bring_proofs(workshop)

    result = run_tests(workshop, installed, server, f"devkit/tests/{layer}", timeout=280)

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_changelog_begins_with_the_version(source: Path) -> None:
    version = (source / "devkit/VERSION").read_text(encoding="utf-8").strip()
    changelog = (source / "devkit/CHANGELOG.md").read_text(encoding="utf-8")

    assert changelog.partition("\n## ")[2].partition("\n")[0] == version


def test_the_manifest_is_the_present_one(source: Path) -> None:
    """Else the first ``make lint`` of a project is red: run ``make format`` here."""
    compare = [sys.executable, "-m", "devkit.commands.manifest"]

    result = subprocess.run(compare, cwd=source, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr


def test_the_self_tests_stay_few(source: Path) -> None:
    files = sorted((source / "devkit/tests").rglob("*.py"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    tests = [
        node.name
        for text in texts
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]

    assert len(tests) <= SELF_TESTS_MAX
    assert sum(len(text.splitlines()) for text in texts) <= LINES_MAX
