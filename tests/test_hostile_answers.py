"""Text is data: whatever is written as a name, the project that it makes can be read, and holds it."""

import json
import re
import subprocess
import tomllib
import unicodedata
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from template_filters import proposed_slug, prose, quoted, refusal
from tests.hostile import HOSTILE, LINES, NO_LINES, PAYLOADS
from tests.reading import files
from tools.bake import bake

QUESTIONS = ("project_name", "description", "author_name", "author_email")
HOLD_TEXT = {"LICENSE", "README.md", "pyproject.toml"}

OPENAPI = """
import json, sys
documents = []
for project in sys.argv[1:]:
    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        del sys.modules[name]
    sys.path[0] = project
    from app.main import create_app
    documents.append(json.loads(json.dumps(create_app().openapi()))["info"])
print(json.dumps(documents))
"""


def paragraphs(markdown: str) -> list[str]:
    """The text of each block, as a reader sees it; markup in it is an error."""
    blocks = [token.children for token in MarkdownIt("commonmark").parse(markdown)]
    return [
        "".join(
            part.content if part.type == "text" else f"({part.type}: {part.content})"
            for part in block
        )
        for block in blocks
        if block is not None
    ]


def held(project: Path) -> dict[str, str]:
    """The answers, read back from the files of the project."""
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, description, *_ = paragraphs((project / "README.md").read_text(encoding="utf-8"))
    licence = (project / "LICENSE").read_text(encoding="utf-8")
    holder = re.search(r"^Copyright \(c\) \d{4} (.*)$", licence, re.MULTILINE)
    (author,) = about["authors"]

    assert about["description"] == description
    assert holder is not None
    assert holder[1] == author["name"]
    return {
        "project_name": name,
        "description": description,
        "author_name": author["name"],
        "author_email": author["email"],
    }


def is_a_line(text: str) -> bool:
    """Tell whether text may be an answer; in words of its own, not by the rules of the hook."""
    controls = any(unicodedata.category(character) in ("Cc", "Cs") for character in text)
    return len(text.splitlines()) == 1 and text.strip() != "" and not controls


@pytest.fixture(scope="module")
def plain(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a project whose answers are harmless."""
    return files(bake(template, tmp_path_factory.mktemp("plain"), {"project_slug": "orders"}))


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_line_of_text_is_read_back_as_it_was_given(
    question: str, line: str, template: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    project = bake(template, tmp_path, {question: line, "project_slug": "orders"})

    assert held(project)[question] == line
    written = files(project)
    assert written.keys() == plain.keys()
    assert {path for path in plain if written[path] != plain[path]} <= HOLD_TEXT


@pytest.mark.parametrize("text", NO_LINES.values(), ids=NO_LINES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_no_line_is_refused_in_one_and_nothing_is_written(
    question: str, text: str, template: Path, tmp_path: Path
) -> None:
    with pytest.raises(click.ClickException) as refused:
        bake(template, tmp_path, {question: text})

    assert re.fullmatch(
        rf"{question} (is empty|holds U\+[0-9A-F]+): write .*\.", str(refused.value)
    )
    assert not list(tmp_path.iterdir())


@settings(max_examples=100, deadline=None, database=None)
@given(st.fixed_dictionaries({question: st.text(max_size=300) for question in QUESTIONS}))
@example(dict.fromkeys(QUESTIONS, HOSTILE))
def test_any_text_at_all_is_read_back_or_refused(template: Path, answers: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        if all(map(is_a_line, answers.values())):
            assert held(bake(template, Path(folder), answers)) == answers
        else:
            with pytest.raises(click.ClickException):
                bake(template, Path(folder), answers)
            assert not list(Path(folder).iterdir())


def test_the_api_is_described_as_the_answers_say(
    template: Path, installed: Path, tmp_path: Path
) -> None:
    projects = [
        bake(template, tmp_path / str(number), {"description": line, "project_slug": "orders"})
        for number, line in enumerate(LINES.values())
    ]

    command = [installed / ".venv/bin/python", "-c", OPENAPI, *projects]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout

    assert json.loads(said) == [
        {"title": "orders", "version": "0.1.0", "description": line} for line in LINES.values()
    ]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_answer_is_run(
    payload: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = {**dict.fromkeys(QUESTIONS, payload), "project_slug": "orders"}

    project = bake(template, tmp_path / "output", answers)

    assert held(project) == dict.fromkeys(QUESTIONS, payload)
    assert not list(tmp_path.rglob("marker"))


@given(st.text(min_size=1, max_size=60))
@example("A name of a service that is longer than any folder should be")
@example("3D printing")
@example("App")
@example("🚀")
def test_every_name_gets_a_proposal_that_is_not_refused(name: str) -> None:
    assert refusal({"project_slug": proposed_slug(name)}) is None


@given(st.text(max_size=60).filter(is_a_line))
@example("a  b")
def test_prose_is_shown_as_it_was_given(text: str) -> None:
    markdown = f"# {prose(text)}\n\n{prose(text)}\n"

    assert paragraphs(markdown) == [text, text]


@pytest.mark.parametrize(
    "read", [json.loads, yaml.safe_load, lambda line: tomllib.loads(f"x={line}")["x"]]
)
def test_quoted_text_is_read_back_as_it_was(read: Callable[[str], str]) -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10000), 0x1F680]))
    line = f'"{quoted(text)}"'

    assert read(line) == text
    assert len(line.splitlines()) == 1
