"""State of the process that a test may change, and how to restore it."""

import locale
import logging
import os
import signal
import socket
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

import structlog
import time_machine
from fastapi import FastAPI

LOOPS: list[AbstractEventLoop] = []
"""The event loops that tests run on."""

APPS: list[FastAPI] = []
"""The applications that tests share."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1)

ROOT_LOGGER = logging.getLogger()
_CONFIGURATION = attrgetter("level", "disabled", "propagate")

# signal.getsignal() looks its result up in an enum, at twenty times the cost.
_getsignal = vars(signal)["_signal"].getsignal


class State(NamedTuple):
    """One kind of state: ``restore`` takes what ``read`` has returned."""

    read: Callable[[], Any]
    restore: Callable[[Any], object]
    said: str = ""
    """What the test is told that left it, where to restore it is not enough."""


def _read_environment() -> dict[bytes, bytes]:
    # `dict(os.environ)` decodes each variable, which takes longer than all the rest of this file.
    environment: dict[bytes, bytes] = vars(os.environ)["_data"].copy()
    environment.pop(b"PYTEST_CURRENT_TEST", None)
    return environment


def _restore_environment(before: dict[bytes, bytes]) -> None:
    for name in _read_environment().keys() - before.keys():
        del os.environb[name]
    os.environb.update(before)


def _read_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - a Path costs more
    except FileNotFoundError:  # the test has removed it
        return ""


def _read_umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _read_signals() -> list[Any]:
    return [*map(_getsignal, SIGNALS)]


def _restore_signals(before: list[Any]) -> None:
    for number, handler in zip(SIGNALS, before, strict=True):
        if handler is not None:  # one that Python did not install
            signal.signal(number, handler)


def _read_loggers() -> dict[logging.Logger, tuple[Any, ...]]:
    known = ROOT_LOGGER.manager.loggerDict.values()
    loggers = [logger for logger in known if isinstance(logger, logging.Logger)]
    return dict(zip(loggers, map(_CONFIGURATION, loggers), strict=True))


def _restore_loggers(before: dict[logging.Logger, tuple[Any, ...]]) -> None:
    for logger, (level, disabled, propagate) in before.items():
        logger.setLevel(level)
        logger.disabled, logger.propagate = disabled, propagate


def _read_root() -> tuple[int, list[logging.Handler]]:
    # pytest adds and removes some of its own for every phase of a test.
    handlers = [handler for handler in ROOT_LOGGER.handlers if not _is_of_pytest(handler)]
    return ROOT_LOGGER.level, handlers


def _is_of_pytest(handler: logging.Handler) -> bool:
    return type(handler).__module__.startswith("_pytest.")


def _restore_root(before: tuple[int, list[logging.Handler]]) -> None:
    level, handlers = before
    ROOT_LOGGER.setLevel(level)
    ROOT_LOGGER.handlers[:] = [*filter(_is_of_pytest, ROOT_LOGGER.handlers), *handlers]


def _read_structlog() -> dict[str, Any]:
    configuration = structlog.get_config()
    return {**configuration, "processors": [*configuration["processors"]]}


def _stop_travels(before: int) -> None:
    while len(time_machine.traveller_stack) > before:
        time_machine.travel(0).stop()  # the last one that began


def _read_loop_handlers() -> dict[AbstractEventLoop, Any]:
    return {loop: loop.get_exception_handler() for loop in LOOPS}


def _restore_loop_handlers(before: dict[AbstractEventLoop, Any]) -> None:
    for loop, handler in before.items():
        loop.set_exception_handler(handler)


# Of each value its id as well, so that no two values are ever compared: arrays for instance refuse it.
def _read_overrides() -> dict[Any, Any]:
    return {
        (app, dependency): (id(override), override)
        for app in APPS
        for dependency, override in app.dependency_overrides.items()
    }


def _restore_overrides(before: dict[Any, Any]) -> None:
    for app in APPS:
        app.dependency_overrides = {
            dependency: value for (of, dependency), (_, value) in before.items() if of is app
        }


def _read_app_state() -> dict[Any, Any]:
    return {
        (app, name): (id(value), value)
        for app in APPS
        for name, value in vars(app.state)["_state"].items()
    }


def _restore_app_state(before: dict[Any, Any]) -> None:
    for app in APPS:
        vars(app.state)["_state"].clear()
    for (app, name), (_, value) in before.items():
        setattr(app.state, name, value)


def _read_structure() -> dict[FastAPI, tuple[Any, ...]]:
    return {
        app: ((*app.router.routes,), (*app.user_middleware,), {**app.exception_handlers})
        for app in APPS
    }


def _restore_structure(before: dict[FastAPI, tuple[Any, ...]]) -> None:
    for app, (routes, middleware, handlers) in before.items():
        app.router.routes[:] = routes
        app.user_middleware[:] = middleware
        app.exception_handlers = {**handlers}
        app.middleware_stack = app.openapi_schema = None  # made again from these


STATES = (
    State(_read_environment, _restore_environment),
    State(_read_folder, os.chdir),
    State(_read_umask, os.umask),
    State(_read_signals, _restore_signals),
    State(lambda: [*sys.path], lambda before: sys.path.__setitem__(slice(None), before)),
    State(lambda: locale.setlocale(locale.LC_ALL), lambda it: locale.setlocale(locale.LC_ALL, it)),
    State(socket.getdefaulttimeout, socket.setdefaulttimeout),
    State(lambda: len(time_machine.traveller_stack), _stop_travels),
    State(_read_loggers, _restore_loggers),
    State(_read_root, _restore_root),
    State(lambda: ROOT_LOGGER.manager.disable, logging.disable),
    State(_read_structlog, lambda before: structlog.configure(**before)),
    State(_read_loop_handlers, _restore_loop_handlers),
    State(_read_overrides, _restore_overrides),
    State(_read_app_state, _restore_app_state),
    State(
        _read_structure,
        _restore_structure,
        "it changed the routes, middleware or exception handlers of `app`:"
        " give it an application of its own, create_app(settings)",
    ),
)
