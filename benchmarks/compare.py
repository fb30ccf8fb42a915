"""Hold a run against the baseline: ``make bench-compare``.

Ratios are held against ratios: to L1 and L2, to an empty test, to cookiecutter's own start. They were
measured beside each other, so that another machine moves both of their figures.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import FILE, read

BASELINE = Path(__file__).with_name("baseline.json")
TOLERANCE = 0.25


@dataclass(frozen=True)
class Ratio:
    """A figure, by what it is divided, and which way it gets worse."""

    part: str
    figure: str
    base: str | None
    more_is_better: bool = False
    tolerance: float | None = None
    """Of its own, where a figure varies more, or not at all."""

    @property
    def name(self) -> str:
        return f"{self.part}: {self.figure}" + ("" if self.base is None else f" / {self.base}")

    def of(self, results: dict[str, Any]) -> float | None:
        """Return its value, if both figures were measured."""
        figures = results.get(self.part, {}).get("figures", {})
        needed = [self.figure, *([] if self.base is None else [self.base])]
        if not all(name in figures for name in needed):
            return None
        value: float = figures[self.figure] / (1 if self.base is None else figures[self.base])
        return value


def _service() -> list[Ratio]:
    ratios = []
    for kind in ("get", "post", "list", "livez"):
        mine = f"{kind}.project"
        ratios += [
            Ratio("service", f"{mine}.rate", f"{kind}.L1.rate", more_is_better=True),
            Ratio("service", f"{mine}.rate", f"{kind}.L2.rate", more_is_better=True),
            Ratio("service", f"{mine}.cpu", f"{kind}.L2.cpu"),
            # The tail is a few requests' luck.
            Ratio("service", f"{mine}.p99", f"{kind}.L2.p99", tolerance=1.0),
            Ratio("service", f"{mine}.round_trips", None, tolerance=0.02),
        ]
    return [
        *ratios,
        *(
            Ratio("service", f"{what}.project.{unit}", f"{what}.L2.{unit}")
            for what, unit in (("import", "ms"), ("start", "ms"), ("memory", "mib"))
        ),
    ]


RATIOS = [
    *_service(),
    *(
        Ratio("suite", f"isolation.{tables}.sandbox.ms", f"isolation.{tables}.empty.ms")
        for tables in (1, 10, 40, 100)
    ),
    Ratio("suite", "isolation.100.sandbox.ms", "isolation.1.sandbox.ms"),
    Ratio("suite", "requests.client.ms", "requests.empty.ms"),
    Ratio("suite", "requests.client.ms", "requests.bare.ms"),
    Ratio("suite", "big.all.serial.s", "requests.empty.ms"),
    Ratio("suite", "big.all.parallel.s", "big.all.serial.s"),
    Ratio("suite", "start_up.200.cold.s", "start_up.1.cold.s"),
    Ratio("suite", "start_up.200.warm.s", "start_up.1.warm.s"),
    Ratio("growth", "rows.10_thousand.page_1000.p50", "rows.10_thousand.page_1.p50"),
    Ratio("growth", "rows.1_million.page_1000.p50", "rows.10_thousand.page_1.p50"),
    Ratio("growth", "processes.2.rate", "processes.1.rate", more_is_better=True),
    Ratio("growth", "memory.last.mib", "memory.first.mib", tolerance=0.05),
    Ratio("growth", "features.200.import.ms", "features.1.import.ms"),
    Ratio("growth", "features.200.openapi.ms", "features.10.openapi.ms"),
    Ratio("growth", "features.200.collect.ms", "features.1.collect.ms"),
    Ratio("bake", "beyond_cookiecutter.ms", "cookiecutter.ms"),
    Ratio("bake", "hooks.ms", "cookiecutter.ms", tolerance=0.5),
]


@dataclass(frozen=True)
class Verdict:
    ratio: Ratio
    before: float
    now: float
    allowed: float

    @property
    def change(self) -> float:
        """Return by what share it got worse; below 0 it got better."""
        if self.ratio.more_is_better:
            return self.before / self.now - 1 if self.now else float("inf")
        return self.now / self.before - 1 if self.before else float(self.now > 0)

    @property
    def is_worse(self) -> bool:
        return self.change > self.allowed

    @property
    def line(self) -> str:
        moved = "worse" if self.is_worse else "better" if self.change < -self.allowed else ""
        return (
            f"{self.ratio.name:<72}{self.before:>9.3f}{self.now:>9.3f}{self.change:>+8.0%}  {moved}"
        )


def compare(
    baseline: dict[str, Any], run: dict[str, Any], tolerance: float
) -> tuple[list[Verdict], list[Ratio]]:
    """Return how each ratio moved, and those that a part of the run has lost."""
    verdicts: list[Verdict] = []
    lost: list[Ratio] = []
    for ratio in RATIOS:
        before, now = ratio.of(baseline), ratio.of(run)
        if before is None or ratio.part not in run:
            continue
        if now is None:
            lost.append(ratio)
        else:
            allowed = tolerance if ratio.tolerance is None else ratio.tolerance
            verdicts.append(Verdict(ratio, before, now, allowed))
    return verdicts, lost


def main(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="make bench-compare", description=__doc__)
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--run", type=Path, default=FILE)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    given = parser.parse_args(arguments)
    baseline, run = read(given.baseline), read(given.run)
    if not baseline or not run:
        missing = given.run if baseline else given.baseline
        print(f"There is no {missing}: run `make bench`, and `make bench-baseline` to keep it.")
        return 2
    verdicts, lost = compare(baseline, run, given.tolerance)
    if not verdicts and not lost:
        print("The run and the baseline have no part in common.")
        return 2
    print(f"{'':<72}{'baseline':>9}{'now':>9}{'worse':>8}")
    for line in [verdict.line for verdict in verdicts] + [
        f"{each.name}: is missing" for each in lost
    ]:
        print(line.rstrip())
    worse = sum(verdict.is_worse for verdict in verdicts) + len(lost)
    print(f"\n{worse} of {len(verdicts) + len(lost)} ratios got worse by more than they may.")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
