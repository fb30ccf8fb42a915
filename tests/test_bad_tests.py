"""Write bad tests into a baked project: the run ends red in its time, and says what is wrong."""

from pathlib import Path

import pytest

from tests.bad_tests import BAD_TESTS, BadTest
from tests.workshop import run_tests


@pytest.mark.parametrize("bad", BAD_TESTS, ids=lambda bad: bad.fault)
def test_a_bad_test_is_caught(bad: BadTest, workshop: Path, installed: Path, server: str) -> None:
    (workshop / bad.path).write_text(bad.source, encoding="utf-8")

    # The limit and its mercy come to 6 seconds; 30 leave room for a busy machine.
    result = run_tests(workshop, installed, server, "-o", "timeout=3", bad.path, timeout=30)

    assert result.returncode not in (0, 5), result.stdout
    assert bad.said in result.stdout + result.stderr


def test_no_test_is_outside_the_three_layers(workshop: Path, installed: Path, server: str) -> None:
    selection = "not unit and not integration and not e2e"

    result = run_tests(workshop, installed, server, "--collect-only", "-m", selection)

    assert result.returncode == 5, result.stdout  # pytest's word for: nothing collected
