"""A test leaves nothing to the next one, and whatever hangs ends."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

from app.settings import ROOT
from tests.harness.leaks import Baseline

HANGS = """
from tests.harness.watchdog import Watchdog
Watchdog(limit=0.1, grace=0).watch("this line")
sum(range(10**12))  # a call that holds the GIL
"""


def test_state_that_a_test_changes_is_restored() -> None:
    baseline, folder = Baseline(), Path.cwd()
    os.environ["LEFT_BEHIND"] = "1"
    os.chdir("/")
    logging.disable()

    left = baseline.restore()

    assert (left, os.environ.get("LEFT_BEHIND"), Path.cwd()) == ("", None, folder)
    assert logging.getLogger().isEnabledFor(logging.CRITICAL)


def test_what_a_wider_fixture_sets_stays() -> None:
    outer, baseline = Baseline(), Baseline()
    with baseline.moved():
        os.environ["OF_THE_MODULE"] = "1"

    baseline.restore()

    assert os.environ["OF_THE_MODULE"] == "1"
    outer.restore()


def test_a_thread_that_goes_on_is_named() -> None:
    baseline, end = Baseline(), threading.Event()
    thread = threading.Thread(target=end.wait, name="the waiter")
    thread.start()

    left = baseline.restore()

    end.set()
    thread.join()
    assert left == "these threads go on: join them.\n- the waiter"


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
