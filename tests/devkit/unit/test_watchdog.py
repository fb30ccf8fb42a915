"""The time limit ends what hangs, and names it."""

import subprocess
import sys

from devkit.adapter import ROOT

HANGS = """
from devkit.testing.watchdog import Watchdog
Watchdog(limit=0.1, grace=0).watch("this line")
sum(range(10**12))  # a call that holds the GIL
"""


def test_what_hangs_is_named_and_ends() -> None:
    result = subprocess.run(
        [sys.executable, "-c", HANGS],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},  # also where a variable keeps Python from looking here
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=20,
    )

    assert result.returncode == 1
    assert "this line hangs: it took more than 0.1 s. Stack traces:\n" in result.stderr
    assert 'File "<string>", line 4 in <module>' in result.stderr
