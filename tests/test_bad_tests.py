"""Write bad tests into a baked project: the run ends red in its time, and says what is wrong."""

from pathlib import Path

import pytest

from tests.bad_tests import (
    BAD_TESTS,
    GOOD,
    HANGING_TESTS,
    INTEGRATION,
    LEAKING_TESTS,
    RESTORED_IN_THE_APPLICATION,
    RESTORED_IN_THE_PROCESS,
    UNIT,
    BadTest,
)
from tests.workshop import run_tests


def write(project: Path, bad: BadTest) -> None:
    for path, source in {bad.path: bad.source, **bad.files}.items():
        file = project / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(source, encoding="utf-8")


@pytest.mark.parametrize("bad", BAD_TESTS, ids=lambda bad: bad.fault)
def test_a_bad_test_is_caught(bad: BadTest, workshop: Path, installed: Path, server: str) -> None:
    write(workshop, bad)

    result = run_tests(workshop, installed, server, bad.path)

    assert result.returncode not in (0, 5), result.stdout
    assert bad.said in result.stdout + result.stderr


@pytest.mark.heavy
@pytest.mark.parametrize("bad", HANGING_TESTS, ids=lambda bad: bad.fault)
def test_a_hang_ends_in_its_time_and_is_named(
    bad: BadTest, workshop: Path, installed: Path, server: str
) -> None:
    write(workshop, bad)

    # The limit and 5 seconds; the rest is for a start on a busy machine.
    options = ("-o", "timeout=5", *bad.arguments)
    result = run_tests(workshop, installed, server, *options, bad.path, timeout=40)

    output = result.stdout + result.stderr
    assert result.returncode != 0, output  # workers that hang at an import leave no test to fail
    assert bad.said in output
    assert "Stack traces:" not in bad.said or "most recent call first" in output


@pytest.mark.parametrize("bad", LEAKING_TESTS, ids=lambda bad: bad.fault)
def test_the_test_that_leaks_is_the_one_that_fails(
    bad: BadTest, workshop: Path, installed: Path, server: str
) -> None:
    write(workshop, bad)

    result = run_tests(workshop, installed, server, bad.path)

    output = result.stdout + result.stderr
    assert result.returncode == 1, output
    assert bad.said in output
    assert "test_bad.py::test_bad" in output
    assert "test_innocent" not in output, "it is blamed for what another one left"


@pytest.mark.parametrize(
    ("path", "source"),
    [(UNIT, RESTORED_IN_THE_PROCESS), (INTEGRATION, RESTORED_IN_THE_APPLICATION)],
    ids=["process", "application"],
)
def test_state_is_restored_after_a_test(
    path: str, source: str, workshop: Path, installed: Path, server: str
) -> None:
    (workshop / path).write_text(source, encoding="utf-8")

    result = run_tests(workshop, installed, server, path)

    assert result.returncode == 0, result.stdout + result.stderr


OPTIONAL = ("cacheprovider", "timeout", "xdist", "randomly", "faulthandler", "logging", "cov")


@pytest.mark.parametrize("plugin", OPTIONAL)
def test_a_run_may_do_without_a_plugin(
    plugin: str, workshop: Path, installed: Path, server: str
) -> None:
    (workshop / UNIT).write_text(GOOD, encoding="utf-8")
    files = (UNIT, "tests/integration/test_smoke.py")
    options = () if plugin == "randomly" else ("-p", f"no:{plugin}")

    result = run_tests(workshop, installed, server, *options, *files)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "marker", ["timeout(5)", "timeout(method='thread')", "timeout(5, func_only=True)", "timeout(0)"]
)
def test_the_markers_of_pytest_timeout_are_known(
    marker: str, workshop: Path, installed: Path, server: str
) -> None:
    source = f"import pytest\n\n@pytest.mark.{marker}\ndef test_good(): ..."
    (workshop / UNIT).write_text(source, encoding="utf-8")

    result = run_tests(workshop, installed, server, "--timeout=9", UNIT)

    assert result.returncode == 0, result.stdout + result.stderr


def test_no_test_is_outside_the_three_layers(workshop: Path, installed: Path, server: str) -> None:
    selection = "not unit and not integration and not e2e"

    result = run_tests(workshop, installed, server, "--collect-only", "-m", selection)

    assert result.returncode == 5, result.stdout  # pytest's word for: nothing collected
