"""Every answer that can be chosen, in every pair; every way to bake, with the same result."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from allpairspy import AllPairs

from tests.answers import ANSWERS, choices
from tests.conftest import Baked, Run
from tests.hostile import HOSTILE, LINES
from tests.reading import files
from tools.bake import ROOT, bake

Succeed = Callable[..., None]

OFFERED = choices(json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8")))
TEXTS = ["Ada Byron", HOSTILE, LINES["5,000 characters"]]
SLUGS = ["x", "orders-api", "x" * 40]

COMBINATIONS = [
    {"author_name": text, "project_slug": slug, **dict(zip(OFFERED, chosen, strict=True))}
    for text, slug, *chosen in AllPairs([TEXTS, SLUGS, *OFFERED.values()])
]


def test_every_answer_that_can_be_chosen_is_baked_and_wholly_checked(
    questions: dict[str, Any],
) -> None:
    """``make check`` runs in a project of each of ``ANSWERS``: see test_project.py."""
    for name, offered in choices(questions).items():
        default = offered[0]

        assert {answers.get(name, default) for answers in ANSWERS.values()} == set(offered), name


def test_every_pair_of_answers_is_baked() -> None:
    for one, other in combinations(COMBINATIONS[0], 2):
        firsts, seconds = ({answers[name] for answers in COMBINATIONS} for name in (one, other))
        pairs = {(answers[one], answers[other]) for answers in COMBINATIONS}

        assert len(pairs) == len(firsts) * len(seconds), f"{one} and {other}"


@pytest.mark.parametrize(
    "answers",
    COMBINATIONS,
    ids=lambda answers: "-".join(value[:12] for value in answers.values()),
)
def test_rules_and_types_hold_whatever_is_chosen(
    answers: dict[str, str], template: Path, installed: Path, tmp_path: Path
) -> None:
    project = bake(template, tmp_path, answers)

    programs = installed / ".venv/bin"
    for check in (
        [programs / "ruff", "check", "--no-cache"],
        [programs / "ruff", "format", "--check", "--no-cache"],
        [programs / "ty", "check", "--python", programs.parent],
    ):
        result = subprocess.run(check, cwd=project, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder whose path makes trouble, to bake into."""
    output = tmp_path / "ein Örtchen, 中"
    output.mkdir()
    return output


@pytest.fixture
def expected(baked: Baked) -> dict[str, bytes]:
    """What the answers of ``gitlab`` make."""
    return files(baked("gitlab"))


@pytest.fixture
def cookiecutter(run: Run, template: Path, output: Path) -> Succeed:
    """Cookiecutter's own command, which must succeed."""

    def cookiecutter(*arguments: str | Path, **variables: str) -> None:
        command = [sys.executable, "-m", "cookiecutter", template, *arguments]
        result = run(*command, cwd=output, **variables)
        assert result.returncode == 0, result.stderr

    return cookiecutter


GIVEN = [f"{question}={answer}" for question, answer in ANSWERS["gitlab"].items()]


def test_a_replay_bakes_the_same(
    cookiecutter: Succeed, output: Path, home: Path, expected: dict[str, bytes]
) -> None:
    cookiecutter("--no-input", *GIVEN)
    shutil.rmtree(output / "stock")

    cookiecutter("--replay")
    assert files(output / "stock") == expected

    (replay,) = (home / ".cookiecutter_replay").iterdir()
    cookiecutter("--replay-file", replay, "--overwrite-if-exists")
    assert files(output / "stock") == expected


def test_a_configuration_file_bakes_the_same(
    cookiecutter: Succeed, output: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    configuration = tmp_path / "config.yaml"
    configuration.write_text(json.dumps({"default_context": ANSWERS["gitlab"]}), encoding="utf-8")

    cookiecutter("--no-input", "--config-file", configuration)

    assert files(output / "stock") == expected


def test_a_bake_over_a_project_mends_its_files_and_keeps_those_of_the_user(
    cookiecutter: Succeed, output: Path, expected: dict[str, bytes]
) -> None:
    cookiecutter("--no-input", *GIVEN)
    (output / "stock/README.md").write_text("mine")
    (output / "stock/LICENSE").unlink()
    (output / "stock/mine.txt").write_text("mine")

    cookiecutter("--no-input", "--overwrite-if-exists", *GIVEN)

    assert files(output / "stock") == expected | {"mine.txt": b"mine"}


def test_a_project_that_is_there_is_not_touched(
    run: Run, template: Path, cookiecutter: Succeed, output: Path
) -> None:
    cookiecutter("--no-input", *GIVEN)
    (output / "stock/README.md").write_text("mine")
    before = files(output)

    command = [sys.executable, "-m", "cookiecutter", template, "--no-input", *GIVEN]
    result = run(*command, cwd=output)

    assert (result.returncode, result.stdout) == (1, 'Error: "stock" directory already exists\n')
    assert files(output) == before


def test_no_git_and_no_network_are_needed(
    cookiecutter: Succeed, output: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    nowhere = "http://127.0.0.1:9"
    empty = tmp_path / "bin"
    empty.mkdir()

    cookiecutter("--no-input", *GIVEN, PATH=str(empty), http_proxy=nowhere, https_proxy=nowhere)

    assert files(output / "stock") == expected


def test_a_zip_of_the_template_bakes_the_same(
    template: Path, tmp_path: Path, output: Path, expected: dict[str, bytes]
) -> None:
    archive = shutil.make_archive(str(tmp_path / "it"), "zip", template.parent, template.name)
    command = [sys.executable, "-m", "cookiecutter", archive, "--no-input", *GIVEN]
    subprocess.run(command, cwd=output, env={"HOME": str(tmp_path)}, check=True)

    assert files(output / "stock") == expected
