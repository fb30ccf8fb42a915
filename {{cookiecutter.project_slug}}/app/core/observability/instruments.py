"""Finds every instrument: a folder here with an ``instrument`` module.

An instrument watches the service for another system, such as a collector of traces. Its module may have

- ``configure(settings)``, called before the application is built,
- ``FASTAPI``, arguments for FastAPI,
- ``PROCESSORS``, structlog processors that each log line passes,
- ``observe(engine)``, called with each engine of the service.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import observability
from app.settings import Settings


@cache
def _modules() -> list[ModuleType]:
    folders = [info.name for info in iter_modules(observability.__path__) if info.ispkg]
    names = [f"{observability.__name__}.{folder}.instrument" for folder in sorted(folders)]
    return [import_module(name) for name in names if find_spec(name)]


def _found(name: str) -> list[Any]:
    return [getattr(module, name) for module in _modules() if hasattr(module, name)]


def configure(settings: Settings) -> None:
    """Configure each instrument."""
    for configure_one in _found("configure"):
        configure_one(settings)


def fastapi_arguments() -> dict[str, Any]:
    """Return what the instruments pass to FastAPI."""
    return {name: value for given in _found("FASTAPI") for name, value in given.items()}


def processors() -> list[structlog.typing.Processor]:
    """Return what the instruments do to a log line."""
    return [processor for given in _found("PROCESSORS") for processor in given]


def observe(engine: AsyncEngine) -> None:
    """Let each instrument watch the statements of an engine."""
    for observe_one in _found("observe"):
        observe_one(engine)
