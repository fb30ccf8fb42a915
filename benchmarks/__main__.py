"""Measure what the template makes: ``make bench``, or parts of it: ``make bench only="service bake"``.

What is compared runs in turn, in one session on one machine. Quote ratios: the rest belongs to the machine.
"""

import argparse
import time
from collections.abc import Callable

from benchmarks import bake, growth, service, suite, tables
from benchmarks.effort import SMOKE, Effort
from benchmarks.results import FILE, Figures, keep, read

PARTS: dict[str, Callable[[Figures, Effort], None]] = {
    "service": service.measure,
    "growth": growth.measure,
    "bake": bake.measure,
    "suite": suite.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--smoke", action="store_true", help="only see that it works")
    parser.add_argument("--soak", type=float, default=Effort.soak, help="seconds of steady load")
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}: name {', '.join(PARTS)}")
    effort = SMOKE if given.smoke else Effort(soak=given.soak)
    for part in given.parts or PARTS:
        print(f"{part}:", flush=True)
        figures, began = Figures(), time.perf_counter()
        PARTS[part](figures, effort)
        figures.note("took", f"{time.perf_counter() - began:.0f} s")
        if not given.smoke:
            keep(part, figures)
    print(f"\n{tables.of(read(FILE))}")


if __name__ == "__main__":
    main()
