"""What the README says of other ways to test: each claim is seen to be true, and stands there."""

from pathlib import Path

import pytest

from tests.elsewhere import FAULTS, Fault
from tests.workshop import run_tests


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.claim)
def test_what_goes_wrong_elsewhere_goes_wrong(
    fault: Fault, workshop: Path, installed: Path, server: str
) -> None:
    file = workshop / "tests/integration/test_elsewhere.py"
    file.write_text(fault.source, encoding="utf-8")

    result = run_tests(workshop, installed, server, str(file))

    assert result.returncode == 0, result.stdout


def test_the_readme_makes_these_claims(template: Path) -> None:
    readme = (template / "README.md").read_text(encoding="utf-8")

    assert [fault.claim for fault in FAULTS if f"| {fault.claim} |" not in readme] == []
