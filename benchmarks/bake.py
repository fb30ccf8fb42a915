"""Baking: what the template adds to cookiecutter's own start."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.effort import Effort
from benchmarks.project import environment
from benchmarks.results import Figures
from tools.bake import clean_copy

EMPTY = "{{cookiecutter.project_slug}}"


def measure(figures: Figures, effort: Effort) -> None:
    """Time a bake of the template and of one that holds nothing, as a user runs both."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        template = clean_copy(folder / "template")
        nothing = _without(folder / "nothing")
        no_hooks = clean_copy(folder / "no_hooks")
        for hook in (no_hooks / "hooks").iterdir():
            hook.unlink()
        rounds = [
            [_bake(each, folder / f"out{number}") for each in (nothing, no_hooks, template)]
            for number in range(2 * effort.rounds + 1)
        ][1:]
    start, without_hooks, whole = (median(times) for times in zip(*rounds, strict=True))
    figures.add("cookiecutter.ms", start * 1000)
    figures.add("template.ms", whole * 1000)
    figures.add("beyond_cookiecutter.ms", (whole - start) * 1000)
    figures.add("hooks.ms", (whole - without_hooks) * 1000)


def _without(folder: Path) -> Path:
    """Make a template of one file, without hooks."""
    (folder / EMPTY).mkdir(parents=True)
    (folder / EMPTY / "file").touch()
    (folder / "cookiecutter.json").write_text(json.dumps({"project_slug": "nothing"}), "utf-8")
    return folder


def _bake(template: Path, output: Path) -> float:
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-f", "-o", output, template]
    home = output.with_name("home")  # or there would be traces in the user's
    began = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        env=environment(HOME=str(home)),
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began
