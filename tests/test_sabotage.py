"""Break a baked project, one promise at a time: its own suite goes red, in the right test."""

from pathlib import Path

import pytest

from tests.sabotages import SABOTAGES, Sabotage
from tests.workshop import run_tests


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.promise)
def test_a_broken_promise_is_noticed(
    sabotage: Sabotage, workshop: Path, installed: Path, server: str
) -> None:
    file = workshop / sabotage.file
    source = file.read_text(encoding="utf-8")
    assert source.count(sabotage.old) == 1, f"not once in {sabotage.file}: {sabotage.old}"
    file.write_text(source.replace(sabotage.old, sabotage.new), encoding="utf-8")

    result = run_tests(workshop, installed, server, sabotage.caught_by.partition("::")[0])

    assert result.returncode == 1, result.stdout + result.stderr
    reds = [line for line in result.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert any(sabotage.caught_by in line for line in reds), "\n".join(reds)
