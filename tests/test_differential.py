"""What a test sees in the sandbox is what production does, or the sandbox refuses it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.differential.install import install
from tests.differential.outcomes import Declared, declared, with_table
from tests.workshop import run_tests

REFUSALS_MAX = 10
SANDBOX_MAX = 20.0
"""Seconds that all scenarios may take in the sandbox."""


@pytest.fixture(scope="module")
def outcomes(
    installed: Path, server: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What each scenario has shown, in each of the three ways."""
    leave = shutil.ignore_patterns(".venv", ".data", ".cache")
    project = tmp_path_factory.mktemp("differential") / "project"
    shutil.copytree(installed, project, ignore=leave)
    install(project)
    result = run_tests(project, installed, server, "tests/integration/test_probe.py", timeout=280)
    assert result.returncode == 0, result.stdout + result.stderr
    seen: dict[str, dict[str, Any]] = json.loads((project / "outcomes.json").read_text("utf-8"))
    return seen


def difference(scenario: Declared, outcomes: dict[str, dict[str, Any]]) -> str:
    """Return how an outcome differs from what the scenario declares, or an empty string."""
    sandbox, committed, served = (
        outcomes[way][scenario.name] for way in ("sandbox", "committed", "served")
    )
    expected = "refused" if scenario.refused else "different" if scenario.differs else "equal"
    found = "refused" if "refused" in sandbox else "equal" if sandbox == served else "different"
    if found == expected and committed == served:
        return ""
    shown = "\n".join(f"  {json.dumps(seen)}" for seen in (sandbox, committed, served))
    return f"{scenario.name} should be {expected}; sandbox, committed and served:\n{shown}"


@pytest.mark.heavy
def test_every_scenario_is_equal_or_refused(outcomes: dict[str, dict[str, Any]]) -> None:
    scenarios = declared()

    differences = [text for scenario in scenarios if (text := difference(scenario, outcomes))]

    assert {scenario.name for scenario in scenarios} == outcomes["sandbox"].keys()
    assert not differences, "\n".join(differences)


@pytest.mark.heavy
def test_scenarios_take_little_time_in_the_sandbox(outcomes: dict[str, dict[str, Any]]) -> None:
    assert sum(outcomes["seconds"].values()) < SANDBOX_MAX


def test_few_scenarios_are_refused() -> None:
    assert sum(bool(scenario.refused) for scenario in declared()) <= REFUSALS_MAX


def test_guide_lists_what_is_refused(source: Path) -> None:
    guide = (source / "docs/testing.md").read_text(encoding="utf-8")

    # If it does not: python -m tests.differential.outcomes
    assert guide == with_table(guide)
