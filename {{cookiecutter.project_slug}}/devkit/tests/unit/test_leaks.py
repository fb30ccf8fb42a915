"""A test leaves nothing to the next one, and whatever hangs ends."""

import logging
import os
import threading
from pathlib import Path

from devkit.testing.leak_check import Baseline


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
