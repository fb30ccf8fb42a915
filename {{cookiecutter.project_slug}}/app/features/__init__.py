"""Finds every feature: a folder here with a ``router`` module, a ``models`` module, or both.

A ``seed`` module makes rows to look at while developing.

A new feature is a new folder; nothing else has to know its name.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

Seed = Callable[[AsyncSession], Awaitable[None]]


def _modules(role: str) -> list[ModuleType]:
    names = [f"{__name__}.{info.name}.{role}" for info in iter_modules(__path__) if info.ispkg]
    return [import_module(name) for name in sorted(names) if find_spec(name)]


def routers() -> list[APIRouter]:
    """Return the router of each feature, in alphabetical order of the folders."""
    return [module.router for module in _modules("router")]


def load_models() -> None:
    """Import the models of each feature, so that ``Base.metadata`` is complete."""
    _modules("models")


def seeds() -> dict[str, Seed]:
    """Return what makes the example rows of each feature, in alphabetical order of the folders."""
    return {module.__name__.split(".")[-2]: module.seed for module in _modules("seed")}
