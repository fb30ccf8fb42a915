"""Figures of a run, and the file that keeps them from part to part."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.bake import ROOT

Values = dict[str, float]
Results = dict[str, Any]
"""Of each part its figures, notes and versions, and the machine."""

FILE = ROOT / ".cache/bench/results.json"


class Figures:
    """The figures of one part, each by its name, and what has to be said about them."""

    def __init__(self) -> None:
        self.values: Values = {}
        self.notes: dict[str, str] = {}
        self.versions: dict[str, str] = {}

    def add(self, name: str, value: float) -> None:
        self.values[name] = value
        print(f"    {name:<48}{value:>12,.3f}", flush=True)

    def note(self, about: str, text: str) -> None:
        self.notes[about] = text
        print(f"    {about}: {text}", flush=True)


def machine() -> dict[str, Any]:
    """Describe where and when it ran."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def read(file: Path) -> Results:
    """Return the parts that the file holds; none if it is not there."""
    if not file.exists():
        return {}
    results: Results = json.loads(file.read_text(encoding="utf-8"))
    return results


def keep(part: str, figures: Figures, file: Path = FILE) -> None:
    """Write one part's figures into the file, and leave those of the others as they are."""
    results = read(file)
    results[part] = {
        "machine": machine(),
        "versions": figures.versions,
        "notes": figures.notes,
        "figures": {name: round(value, 4) for name, value in figures.values.items()},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    partial.replace(file)
