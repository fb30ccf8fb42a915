"""Imports every theme."""

from importlib import import_module
from pkgutil import iter_modules

from app.features.probe import __path__ as folder
from app.features.probe.scenario import SCENARIOS, Scenario, router

__all__ = ["SCENARIOS", "Scenario", "router"]

for theme in sorted(info.name for info in iter_modules(folder)):
    if theme != "router":
        import_module(f"app.features.probe.{theme}")
