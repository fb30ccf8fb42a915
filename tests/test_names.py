"""The slug is a folder, a package, a database: what cannot be all three is refused in one line."""

import re
from pathlib import Path

import click
import pytest

from template_filters import refusal
from tools.bake import bake

NO_NAMES = [
    # paths
    *(
        ".",
        "..",
        "../x",
        "x/../../y",
        "x/y",
        "x\\y",
        "..\\x",
        "/abs",
        "C:\\x",
        "~",
        "~root",
        "file:x",
    ),
    # spelling
    *(
        "",
        " ",
        "-",
        "-x",
        "x-",
        "x--y",
        "x_y",
        "__x__",
        "x.y",
        ".hidden",
        "x y",
        " x",
        "x\n",
        "x\0",
    ),
    *("Orders", "1orders", "1", "x" * 41, "x" * 300),
    # letters that look like others, and those that PostgreSQL or a package index would not take
    *("café", "\u0430pp", "\uff4frders", "orders\u200b", "orders\u2010api", "\u0131", "北京", "🚀"),
    # code
    *(
        'x"+str(1)+"',
        "x'''",
        'x"""',
        "x;touch marker",
        "$(touch marker)",
        "x\\",
        "{{ x }}",
        "{% x %}",
    ),
]

TAKEN = [
    *("class", "none", "async", "lambda", "asyncio", "calendar", "json", "site", "test"),
    *("con", "nul", "aux", "prn", "com1", "lpt9"),
    *("app", "tests", "tools", "migrations"),
    *("fastapi", "pydantic-settings", "sqlalchemy", "starlette", "uvicorn", "pytest"),
    *("postgres", "template0", "template1"),
]


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to bake into, which is also the current one, inside of an empty one."""
    output = tmp_path / "output"
    output.mkdir()
    monkeypatch.chdir(output)
    return output


def refused(slug: str, template: Path, output: Path) -> str:
    """Say why the slug is refused, with nothing written inside and outside of the output folder."""
    with pytest.raises(click.ClickException) as refusal:
        bake(template, output, {"project_slug": slug})
    assert list(output.parent.rglob("*")) == [output]
    return str(refusal.value)


@pytest.mark.parametrize("slug", NO_NAMES, ids=ascii)
def test_what_is_no_name_is_refused_in_one_line(slug: str, template: Path, output: Path) -> None:
    reason = refused(slug, template, output)

    assert re.fullmatch(
        r"project_slug '[!-~ ]{0,80}' cannot be used: write .*, such as 'orders-api'\.", reason
    ) or re.fullmatch(r'project_slug "[!-~ ]{0,80}" cannot be used: write .*', reason)


@pytest.mark.parametrize("slug", TAKEN)
def test_a_name_that_is_taken_is_refused_in_one_line(
    slug: str, template: Path, output: Path
) -> None:
    reason = refused(slug, template, output)

    assert re.fullmatch(
        rf"project_slug '{slug}' is taken by .*, such as '{slug}-service'\.", reason
    )


@pytest.mark.parametrize("slug", ["x", "x1", "orders", "orders-api", "a-1-b-2", "x" * 40])
def test_a_good_slug_is_not_refused(slug: str) -> None:
    assert refusal({"project_slug": slug}) is None
