"""Break a baked project, one promise at a time: its own suite goes red, in the right test."""

import re
from pathlib import Path

import pytest

from tests.sabotages import SABOTAGES
from tests.sabotages.sabotage import Sabotage
from tests.workshop import run_tests


@pytest.mark.heavy
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.promise)
def test_a_broken_promise_is_noticed(
    sabotage: Sabotage, workshop: Path, installed: Path, server: str
) -> None:
    file = workshop / sabotage.file
    source = file.read_text(encoding="utf-8")
    assert source.count(sabotage.old) == 1, f"not once in {sabotage.file}: {sabotage.old}"
    file.write_text(source.replace(sabotage.old, sabotage.new), encoding="utf-8")

    # Alone: without turns or loops, one red test can hang the next.
    file_of_tests, _, name = sabotage.caught_by.partition("::")
    result = run_tests(workshop, installed, server, file_of_tests, "-k", name)

    output = result.stdout + result.stderr
    assert result.returncode == 1, output
    reds = [line for line in output.splitlines() if re.match(r"FAILED|ERROR|.* hangs: ", line)]
    assert any(sabotage.caught_by in line for line in reds), output
