"""``make feature``: what it refuses, and that it then leaves nothing behind."""

import ast
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from devkit.commands.feature.__main__ import main, undone_on_error
from devkit.commands.feature.fields import parse_fields
from devkit.commands.feature.files import fill
from devkit.commands.feature.names import Names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("",), "make feature name=authors"),
        (("aspen_trees", "", "born:day"), "take one of str, text, int"),
        (("aspen_trees", "", "shop_id:ref(nowhere)"), "write that feature first"),
        (("aspen_trees", "", "metadata:json"), "take another, such as its_metadata"),
        (("aspen_trees", "", "dt:date"), "such as its_dt"),
        (("sessions",), "such as shop_sessions"),
        (("leaves",), "singular="),
    ],
)
def test_bad_input_is_refused_in_one_line(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_written_files_are_python() -> None:
    names = Names("gadgets", "gadget")
    for text in fill(
        names, parse_fields("a:decimal(9,2) b:enum(x,y)? c:json,index", names)
    ).values():
        assert ast.parse(text)


def test_files_written_before_an_error_are_removed() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        with suppress(KeyboardInterrupt), undone_on_error(folder) as written:
            written += [folder / "authors", folder / "authors/models.py"]
            written[0].mkdir()
            written[1].touch()
            (folder / "2026_create_authors.py").touch()
            raise KeyboardInterrupt

        assert [*folder.iterdir()] == []
