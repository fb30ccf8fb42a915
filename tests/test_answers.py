"""Answers that cannot be used are refused; all others are data, whatever they hold."""

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import yaml
from jinja2 import Environment

from local_extensions import quoted, refusal
from tests.answers import HOSTILE
from tests.conftest import Result, Run
from tools.bake import bake

SLUGS = [
    *("", " ", ".", "..", "../x", "x/../../y", "/abs", "~", "-", "-x", "x-", "x--y", "x_y", "x.y"),
    *("Orders", "1orders", "orders api", "orders\n", "café", "\u0430pp", "x" * 41, "x" * 300),
    *("class", "none", "asyncio", "calendar", "con", "lpt1", "app", "tests", "migrations"),
    *("fastapi", "pydantic-settings", "starlette", "template1"),
    *('x"+str(1)+"', "x'''", 'x"""', "x;touch marker", "$(touch marker)", "x\\"),
]

CONTROLS = ["\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\udcff"]

PAYLOADS = [
    '"""); open("marker", "w"); ("""',
    '\\"""); open("marker", "w"); (r"""',
    "''' + str(open('marker', 'w')) + '''",
    '{{ cycler.__init__.__globals__.os.system("touch marker") }}',
    '{% set x = cycler.__init__.__globals__.os.system("touch marker") %}',
    '#% set x = cycler.__init__.__globals__.os.system("touch marker")',
    "$(touch marker) `touch marker` ; touch marker",
    "]]]}}%} --> */",
]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    output = tmp_path / "output"
    output.mkdir()
    return output


@pytest.fixture
def cookiecutter(run: Run, template: Path, output: Path) -> Run:
    """Cookiecutter's own command."""

    def cookiecutter(*arguments: str, typed: str = "") -> Result:
        command = [sys.executable, "-m", "cookiecutter", template, *arguments]
        return run(*command, cwd=output, typed=typed)

    return cookiecutter


def assert_refused(question: str, answer: str, cookiecutter: Run, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))

    result = cookiecutter("--no-input", f"{question}={answer}")

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {question} ")
    assert result.stderr.count("\n") == 1
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("slug", SLUGS)
def test_a_bad_slug_is_refused_in_one_line_and_nothing_is_written(
    slug: str, cookiecutter: Run, tmp_path: Path
) -> None:
    assert_refused("project_slug", slug, cookiecutter, tmp_path)


@pytest.mark.parametrize("text", ["", " ", *(f"two{control}words" for control in CONTROLS)])
@pytest.mark.parametrize("question", ["project_name", "author_name"])
def test_text_that_is_no_line_is_refused_in_one_line_and_nothing_is_written(
    question: str, text: str, cookiecutter: Run, tmp_path: Path
) -> None:
    assert_refused(question, text, cookiecutter, tmp_path)


@pytest.mark.parametrize("question", ["description", "author_email"])
def test_no_text_is_left_unchecked(question: str, cookiecutter: Run, tmp_path: Path) -> None:
    assert_refused(question, "two\nlines", cookiecutter, tmp_path)


@pytest.mark.parametrize("slug", ["x", "x1", "orders", "orders-api", "a-1-b-2", "x" * 40])
def test_a_good_slug_is_not_refused(slug: str) -> None:
    assert refusal({"project_slug": slug}) is None


def test_a_bad_slug_is_refused_before_the_next_question(cookiecutter: Run) -> None:
    result = cookiecutter(typed="Orders\nNot a slug\n")

    assert result.stderr.startswith("Error: project_slug 'Not a slug' cannot be used")
    assert "[3/7]" not in result.stdout


def test_a_bad_slug_of_a_replay_file_is_refused_and_nothing_is_left(
    cookiecutter: Run, tmp_path: Path, home: Path
) -> None:
    cookiecutter("--no-input")
    (replay,) = (home / ".cookiecutter_replay").iterdir()
    answers = json.loads(replay.read_text(encoding="utf-8"))
    answers["cookiecutter"]["project_slug"] = "../escaped"
    replay.write_text(json.dumps(answers), encoding="utf-8")

    result = cookiecutter("--replay-file", str(replay))

    assert result.returncode == 1
    assert result.stderr.startswith("project_slug '../escaped' cannot be used")
    assert not (tmp_path / "escaped").exists()


def test_a_python_caller_gets_an_exception(template: Path, tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match=r"^project_slug '\.\./x' cannot be used"):
        bake(template, tmp_path, {"project_slug": "../x"})


def type_in(*, text: str) -> str:
    """The lines that someone types who gives this text wherever text is asked for."""
    return "\n".join([text, "orders", text, text, text, "1", "1", ""])


@pytest.mark.parametrize("payload", [*PAYLOADS, HOSTILE])
def test_text_that_is_typed_is_data(
    payload: str, cookiecutter: Run, output: Path, tmp_path: Path
) -> None:
    result = cookiecutter(typed=type_in(text=payload))

    assert result.returncode == 0, result.stderr
    pyproject = tomllib.loads((output / "orders/pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["description"] == payload
    assert pyproject["project"]["authors"] == [{"name": payload, "email": payload}]
    assert not list(tmp_path.rglob("marker"))


def test_the_next_commands_are_printed(cookiecutter: Run) -> None:
    result = cookiecutter("--no-input", "project_name=Orders API")

    assert [line.strip() for line in result.stdout.splitlines()][1:3] == ["Next:", "cd orders-api"]
    assert "make test" in result.stdout


@pytest.mark.parametrize(
    "read", [json.loads, yaml.safe_load, lambda line: tomllib.loads(f"x={line}")["x"]]
)
def test_quoted_text_is_read_back_as_it_was(read: Callable[[str], str]) -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10000), 0x1F680]))
    jinja = Environment(extensions=[quoted], autoescape=False)  # noqa: S701 as cookiecutter does
    line = jinja.from_string('"{{ text | quoted }}"').render(text=text)

    assert read(line) == text
    assert len(line.splitlines()) == 1
