"""Cookiecutter's own command: what it refuses, what it takes as data, what it says."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import Result, Run
from tests.hostile import HOSTILE, PAYLOADS


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


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("project_slug", "../x"),
        ("project_slug", "x" * 300),
        ("project_slug", "class"),
        ("project_name", "two\nlines"),
        ("description", "two\nlines"),
        ("author_name", " "),
        ("author_email", "half \udcff"),
    ],
)
def test_a_bad_answer_is_refused_in_one_line_and_nothing_is_written(
    question: str, answer: str, cookiecutter: Run, tmp_path: Path
) -> None:
    assert_refused(question, answer, cookiecutter, tmp_path)


def test_what_is_not_to_choose_is_refused_and_the_last_line_names_the_choice(
    cookiecutter: Run, tmp_path: Path
) -> None:
    """By cookiecutter itself, with its traceback: nothing of the template has been loaded by then."""
    before = set(tmp_path.rglob("*"))

    result = cookiecutter("--no-input", "ci=jenkins")

    assert result.returncode == 1
    assert result.stderr.endswith("but the choices are ['github', 'gitlab', 'none'].\n")
    assert set(tmp_path.rglob("*")) == before


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
