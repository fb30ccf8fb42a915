"""The figures as drawings: bars in an SVG, whose colours follow the reader's theme."""

from collections.abc import Sequence
from html import escape
from math import log10
from pathlib import Path
from typing import Any

from benchmarks import tables

FOLDER = Path(__file__).with_name("plots")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.of-us { fill: #0969da }
.other { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .of-us { fill: #4493f8 }
  .other { fill: #59636e }
}
"""
LABEL, BAR, VALUE, LINE = 260, 360, 130, 22
"""Widths of the three columns, and the height of a line."""

Bar = tuple[str, float, str]
"""Its label, its value, and the text after it; a label in ** is ours."""


def bars(title: str, groups: Sequence[tuple[str, Sequence[Bar]]], *, log: bool = False) -> str:
    """Draw one bar a line, in groups: each on a scale of its own, or all on a logarithmic one."""
    lines: list[str] = []
    values = [value for _, group in groups for _, value, _ in group if value > 0]
    row = 1.0

    def text(at: float, said: str, extra: str = "") -> None:
        lines.append(f'<text x="{at:.0f}" y="{row * LINE + 15:.0f}"{extra}>{escape(said)}</text>')

    for name, group in groups:
        row += 0.5
        if name:
            text(LABEL, name, ' class="title"')
            row += 1
        most = max(value for _, value, _ in group)
        for label, value, after in group:
            width = BAR * (_log_share(value, min(values), max(values)) if log else value / most)
            kind = "of-us" if label.startswith("**") else "other"
            text(LABEL - 10, label.replace("*", "").replace("`", ""), ' text-anchor="end"')
            lines.append(
                f'<rect class="{kind}" x="{LABEL}" y="{row * LINE + 3:.0f}"'
                f' width="{max(1.0, width):.0f}" height="{LINE - 6}" rx="2"/>'
            )
            text(LABEL + width + 8, after)
            row += 1
    width, height = LABEL + BAR + VALUE, (row + 0.5) * LINE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}"'
            f' width="{width}" height="{height:.0f}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text class="title" x="0" y="18">{escape(title)}</text>',
            *lines,
            "</svg>\n",
        ]
    )


def _log_share(value: float, least: float, most: float) -> float:
    """Return a share for a scale that begins at half the least value."""
    start = log10(least / 2)
    return (log10(value) - start) / (log10(most) - start)


def service(figures: dict[str, float]) -> str:
    """Draw requests a second of every contestant, by the kind of request."""
    groups = []
    for kind, title in tables.KINDS.items():
        group = [
            (
                label,
                figures[f"{kind}.{name}.rate"],
                f"{figures[f'{kind}.{name}.rate']:,.0f}"
                f"  (p99 {figures[f'{kind}.{name}.p99']:.0f} ms)",
            )
            for name, label in tables.CONTESTANTS.items()
            if f"{kind}.{name}.rate" in figures
        ]
        groups.append((title.strip("`"), group))
    return bars("Requests a second of one process, 32 connections", groups)


def isolation(figures: dict[str, float]) -> str:
    """Draw what a test costs with few tables and with many, by the way it is isolated."""
    groups = [
        (
            title,
            [
                (label, cost := figures[f"isolation.{number}.{way}.ms"], f"{cost:.1f} ms")
                for way, label in tables.WAYS.items()
            ],
        )
        for number, title in ((1, "1 table"), (100, "100 tables"))
    ]
    return bars("What a test costs that writes one row (logarithmic)", groups, log=True)


PLOTS = {"service": service, "suite": isolation}


def draw(results: dict[str, Any], folder: Path) -> None:
    """Draw each part that is there."""
    folder.mkdir(exist_ok=True)
    for part, plot in PLOTS.items():
        if part in results:
            (folder / f"{part}.svg").write_text(plot(results[part]["figures"]), encoding="utf-8")
