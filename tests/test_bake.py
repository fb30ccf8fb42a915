"""What a bake writes, whatever the answers."""

import hashlib
import re
import runpy
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.answers import ANSWERS, choices
from tests.conftest import Baked
from tests.reading import files
from tools.bake import ROOT, bake, clean_copy

FILES = runpy.run_path(str(ROOT / "hooks" / "post_gen_project.py"))["FILES"]

JINJA = re.compile(r"cookiecutter|{{|{%|#%")

LOOKS_LIKE_JINJA = {
    f".github/workflows/{name}.yml": r"\${{ (github|matrix)\.\w+ }}"
    for name in ("check", "nightly")
}
"""What belongs in a baked file although it looks like a leftover."""

each_set_of_answers = pytest.mark.parametrize("name", ANSWERS)


def test_seven_questions_at_most_are_asked_in_sentences(questions: dict[str, Any]) -> None:
    sentences = questions["__prompts__"]

    assert list(sentences) == [name for name in questions if not name.startswith("_")]
    assert len(sentences) <= 7
    for name, offered in choices(questions).items():
        assert list(sentences[name]) == ["__prompt__", *offered]
    assert "[" not in str(sentences), "cookiecutter prints nothing of what stands in brackets"


@each_set_of_answers
def test_the_files_are_those_that_were_asked_for(
    name: str, baked: Baked, source: Path, questions: dict[str, Any]
) -> None:
    defaults = {choice: offered[0] for choice, offered in choices(questions).items()}
    answers = defaults | ANSWERS[name]
    optional = {file for _, _, file, _ in FILES}
    chosen = {kept for question, answer, _, kept in FILES if answers[question] == answer}

    project = baked(name)

    assert optional <= files(source).keys()
    assert files(project).keys() == files(source).keys() - optional | chosen
    assert (project / "LICENSE").exists()
    assert not (project / "licenses").exists()
    assert all(any(path.iterdir()) for path in project.rglob("*") if path.is_dir())


def test_no_ci_leaves_no_file_of_any_ci(baked: Baked) -> None:
    assert not [path for path in files(baked("no-ci")) if re.search("github|gitlab", path)]


@each_set_of_answers
def test_python_is_copied_byte_by_byte(name: str, baked: Baked, source: Path) -> None:
    project = files(baked(name))

    for path, content in files(source).items():
        if path.endswith(".py"):
            assert project[path] == content, path


def test_python_may_hold_what_looks_like_jinja(tmp_path: Path) -> None:
    template = clean_copy(tmp_path / "template")
    python = "#% if\nbraces = f'{{{1}}} {% nothing %} {{ cookiecutter.nothing }}'\n"
    (template / "{{cookiecutter.project_slug}}/app/braces.py").write_text(python, encoding="utf-8")

    project = bake(template, tmp_path, {})

    assert (project / "app/braces.py").read_text(encoding="utf-8") == python


def test_a_condition_may_be_written_as_a_comment(tmp_path: Path) -> None:
    template = clean_copy(tmp_path / "template")
    toml = 'x = 1\n\n#% if cookiecutter.ci == "{ci}"\ny = "#% kept"  # as it is\n#% endif\n'
    source = template / "{{cookiecutter.project_slug}}"
    (source / "yes.toml").write_text(toml.format(ci="github"), encoding="utf-8")
    (source / "no.toml").write_text(toml.format(ci="gitlab"), encoding="utf-8")

    project = bake(template, tmp_path, {})

    assert (project / "yes.toml").read_text() == 'x = 1\n\ny = "#% kept"  # as it is\n'
    assert (project / "no.toml").read_text() == "x = 1\n\n"


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != "hostile"])
def test_no_jinja_is_left(name: str, baked: Baked) -> None:
    for path, content in files(baked(name)).items():
        belongs = LOOKS_LIKE_JINJA.get(path, "^$")
        leftover = JINJA.search(re.sub(belongs, "", content.decode()))

        assert leftover is None, f"{leftover} in {path}"


@each_set_of_answers
def test_every_configuration_file_can_be_read(name: str, baked: Baked) -> None:
    assert_readable(baked(name))


def test_every_configuration_file_can_be_read_before_it_is_baked(source: Path) -> None:
    assert_readable(source)


def assert_readable(folder: Path) -> None:
    for path, content in files(folder).items():
        if path.endswith(".toml"):
            tomllib.loads(content.decode())
        elif path.endswith((".yaml", ".yml")):
            yaml.safe_load(content)


def test_two_bakes_are_equal(template: Path, baked: Baked, tmp_path: Path) -> None:
    again = bake(template, tmp_path, ANSWERS["hostile"])

    assert files(again) == files(baked("hostile"))


@pytest.mark.parametrize(
    ("name", "sentence", "identifier"),
    [
        ("defaults", "Permission is hereby granted, free of charge, to any person", "MIT"),
        ("gitlab", "Neither the name of the copyright holder nor the names", "BSD-3-Clause"),
        ("no-ci", "This software is proprietary.", "LicenseRef-Proprietary"),
    ],
)
def test_the_licence_is_the_chosen_one_and_names_its_holder(
    name: str, sentence: str, identifier: str, baked: Baked
) -> None:
    licence = (baked(name) / "LICENSE").read_text(encoding="utf-8")
    pyproject = tomllib.loads((baked(name) / "pyproject.toml").read_text(encoding="utf-8"))

    assert sentence in licence
    assert re.search(rf"Copyright \(c\) {datetime.now(UTC).year},? Your Name\n", licence)
    assert pyproject["project"]["license"] == identifier


def test_the_apache_licence_is_the_text_that_apache_publishes(baked: Baked) -> None:
    licence = (baked("hostile") / "LICENSE").read_bytes()

    published = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert hashlib.sha256(licence).hexdigest() == published
