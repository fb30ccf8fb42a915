"""The modules of the application that devkit uses.

devkit imports nothing of the application. ``[tool.devkit]`` in pyproject.toml names its modules, and
``take`` finds them.
"""

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
"""The project's folder."""

TABLE: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
    "devkit"
]


def take(path: str) -> Any:
    """Return a module of the application, or a name in it.

    ``take("core.db:Database")`` is ``Database`` of the module ``db`` below the one that ``core`` names.
    """
    module, _, name = path.partition(":")
    key, dot, below = module.partition(".")
    found = import_module(f"{TABLE[key]}{dot}{below}")
    return getattr(found, name) if name else found
