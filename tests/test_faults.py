"""Let the service of a baked project meet faults, load and impatience: long proofs, with figures.

What they print is shown by ``make test-load args="-k stands"``.
"""

import shutil
from pathlib import Path

import pytest

from tests.workshop import run_tests

FAULTS = Path(__file__).parent / "faults"
PROOFS = sorted(path.stem for path in FAULTS.glob("*.py"))


def bring(workshop: Path) -> None:
    """Put the proofs among the project's own tests, whose harness they use, and a feature to load."""
    shutil.copytree(FAULTS / "feature", workshop / "app/features/ordinary")
    for helper in FAULTS.glob("harness/*.py"):
        shutil.copy(helper, workshop / "tests/harness")
    for proof in PROOFS:
        shutil.copy(FAULTS / f"{proof}.py", workshop / f"tests/e2e/test_{proof}.py")


@pytest.mark.heavy
@pytest.mark.load
@pytest.mark.parametrize("proof", PROOFS)
def test_the_service_stands(proof: str, workshop: Path, installed: Path, server: str) -> None:
    bring(workshop)

    result = run_tests(workshop, installed, server, "-s", f"tests/e2e/test_{proof}.py")

    print(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
