"""What the repository says of its speed is what was measured."""

import re
from xml.etree import ElementTree

import pytest

from benchmarks import plots, published, tables
from benchmarks.compare import BASELINE
from benchmarks.results import read

BASE = read(BASELINE)


def test_the_readme_quotes_the_baseline() -> None:
    said = published.README.read_text(encoding="utf-8")

    assert set(published.BLOCKS) == {name for _, name, _ in published.BLOCK.findall(said)}
    assert published.filled(said, BASE) == said, "run `make bench-baseline`"


def test_a_figure_in_the_readme_that_was_not_measured_is_noticed() -> None:
    said = published.README.read_text(encoding="utf-8")
    better = re.sub(r"(\*\*the sandbox\*\* \| )\d", r"\g<1>0", said)

    assert better != said
    assert published.filled(better, BASE) == said


def test_all_tables_are_of_the_baseline() -> None:
    assert tables.of(BASE) in published.TABLES.read_text(encoding="utf-8")


@pytest.mark.parametrize("part", plots.PLOTS)
def test_a_drawing_is_of_the_baseline(part: str) -> None:
    drawn = (plots.FOLDER / f"{part}.svg").read_text(encoding="utf-8")

    assert drawn == plots.PLOTS[part](BASE[part]["figures"])
    ElementTree.fromstring(drawn)  # noqa: S314 - it is our own
    assert f"benchmarks/plots/{part}.svg" in published.README.read_text(encoding="utf-8")
