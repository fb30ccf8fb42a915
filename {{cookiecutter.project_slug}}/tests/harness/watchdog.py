"""Time limits: no run hangs, from the start of pytest to the exit of its process.

A test function that takes too long fails, and the run goes on. Whatever else takes too long (an
import, a fixture, a call that holds the GIL, a thread or an atexit handler after the last test) ends
the run. faulthandler does that: its timer is a thread written in C, and needs no GIL.
"""

import asyncio
import faulthandler
import inspect
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextvars import copy_context
from functools import wraps
from tempfile import mkstemp
from typing import Any

import pytest

GRACE = 3.0
"""Seconds after the limit until the run ends: a test function has failed by then."""

SLACK = 1.0
"""Seconds that a timer may be used again for: to start one costs more than many a test."""

# faulthandler cannot say what hangs. So a shell waits for its first line, says it, and passes on the
# rest: its standard input is what faulthandler writes, its standard error the file with the name.
REPORT = """
trap '' INT
IFS= read -r timeout || exit 0
IFS= read -r hanging <&2
printf '\\n%s Stack traces:\\n' "$hanging"
exec cat
"""


class Watchdog:
    """The timer of this process."""

    def __init__(self, limit: float, grace: float = GRACE) -> None:
        self.grace = grace
        self.limit = limit
        """Seconds for everything that has no limit of its own; 0 is none."""
        self.is_debugged = os.environ.get("PYTHONBREAKPOINT", "0") not in ("", "0")
        """A debugger of the developer's choice is not one that pytest tells us about."""
        self.watched_for = 0.0
        """The limit of what runs now."""
        self._armed_at = self._armed_for = 0.0
        self._name, path = mkstemp()
        os.unlink(path)  # noqa: PTH108 - mkstemp gives no Path
        pipe, self._report = os.pipe()
        uses = [(os.POSIX_SPAWN_DUP2, *pair) for pair in ((pipe, 0), (2, 1), (self._name, 2))]
        os.posix_spawn("/bin/sh", ["sh", "-c", REPORT], os.environ, file_actions=uses)
        os.close(pipe)

    def watch(self, what: str, limit: float | None = None) -> None:
        """End the process after the limit, unless the next call comes before."""
        self.watched_for = limit = self.limit if limit is None else limit
        if not limit or self.at_a_breakpoint():
            self.rest()
            return
        os.pwrite(self._name, _line(f"{what} hangs: it took more than {limit:g} s."), 0)
        now = time.monotonic()
        if limit != self._armed_for or now - self._armed_at > SLACK:
            faulthandler.dump_traceback_later(limit + self.grace, exit=True, file=self._report)
            self._armed_at, self._armed_for = now, limit

    def rest(self) -> None:
        """Let what comes take as long as it likes."""
        faulthandler.cancel_dump_traceback_later()
        self._armed_for = 0.0

    def at_a_breakpoint(self) -> bool:
        """Tell whether a debugger is at work: it takes as long as its user reads."""
        monitoring = getattr(sys, "monitoring", None)  # since Python 3.12
        return (
            self.is_debugged
            or "pydevd" in sys.modules
            or bool(monitoring and monitoring.get_tool(monitoring.DEBUGGER_ID))
        )


def _line(text: str) -> bytes:
    return text.encode(errors="backslashreplace").replace(b"\n", b" ") + b"\n"


LIMIT = pytest.StashKey[float]()
"""The seconds that a test has."""

Test = Callable[..., Any]

watchdog = Watchdog(limit=30)  # pytest has not read the settings yet
watchdog.watch("the start of pytest")


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "seconds for each test, and for whatever else a run does; 0 is no limit"
    parser.addoption("--timeout", type=float, metavar="SECONDS", help=about)
    parser.addini("timeout", about, type="float", default=30.0)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    options = early_config.known_args_namespace
    limit = early_config.getini("timeout") if options.timeout is None else options.timeout
    watchdog.limit = 0 if options.usepdb or options.trace else limit
    watchdog.watch("the import of conftest.py and its plugins")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "timeout(seconds): the limit of this test; 0 is none")
    if config.getoption("maxworkerrestart", "") is None:
        config.option.maxworkerrestart = "0"  # or each worker that hangs at an import is replaced
    signal.signal(signal.SIGALRM, _fail)
    watchdog.watch("the start of the run")


@pytest.hookimpl(tryfirst=True)
def pytest_enter_pdb() -> None:
    watchdog.is_debugged = True
    watchdog.rest()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_exception_interact(
    node: pytest.Item | pytest.Collector,
) -> Generator[None, object, object]:
    result = yield  # pytest's own faulthandler plugin cancels the timer here
    watchdog.rest()
    watchdog.watch(node.nodeid, _limit_of(node))
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    watchdog.watch(collector.nodeid or "the collection of tests")
    report = yield
    watchdog.watch("the collection of tests")
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.stash[LIMIT] = limit = _limit_of(item)
        if isinstance(item, pytest.Function):
            limited = _limited_async if inspect.iscoroutinefunction(item.obj) else _limited
            item.obj = limited(item.obj, limit)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    if _has_workers(session.config) or _is_worker(session.config):
        watchdog.rest()  # the tests run in other processes, or wait for those of others
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    watchdog.watch(item.nodeid, item.stash[LIMIT])
    result = yield
    if _is_worker(item.config):
        watchdog.rest()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is None:
        watchdog.watch(f"{item.nodeid}, or a fixture that ends with the run,", item.stash[LIMIT])


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    watchdog.watch("the end of the run")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if _is_worker(config):
        watchdog.rest()  # xdist ends it, when the others are done
    else:
        watchdog.watch("the exit of the process")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _has_workers(config: pytest.Config) -> bool:
    return config.pluginmanager.hasplugin("dsession")


def _limit_of(node: pytest.Item | pytest.Collector) -> float:
    """Return the seconds that its marker gives it, or else those of all."""
    marker = node.get_closest_marker("timeout")
    given = marker and (marker.args[0] if marker.args else marker.kwargs.get("timeout"))
    return watchdog.limit if given is None or not watchdog.limit else float(given)


def _limited(test: Test, limit: float) -> Test:
    @wraps(test)
    def limited(*args: Any, **kwargs: Any) -> Any:
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            # As pytest-asyncio does: a variable of the context that a test sets ends with it.
            return copy_context().run(test, *args, **kwargs)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    return limited


def _fail(*_: object) -> None:
    if not watchdog.at_a_breakpoint():
        pytest.fail(f"The test took more than {watchdog.watched_for:g} s.")


def _limited_async(test: Callable[..., Awaitable[None]], limit: float) -> Test:
    # SIGALRM gets lost in a running uvloop.
    @wraps(test)
    async def limited(*args: Any, **kwargs: Any) -> None:
        loop, deadline = asyncio.get_running_loop(), asyncio.timeout(None)

        def end() -> None:
            if not watchdog.at_a_breakpoint():
                deadline.reschedule(loop.time())

        timer = loop.call_later(limit, end) if limit else None
        try:
            async with deadline:
                await test(*args, **kwargs)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise TimeoutError(f"The test took more than {limit:g} s.") from error
        finally:
            if timer:
                timer.cancel()

    return limited
