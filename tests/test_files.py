"""Every file of a project, and of the template itself, is checked by the tool made for its kind.

No tool reaches for a network: their binaries and schemas come with their packages.
"""

import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from identify.vendor.licenses import LICENSES

from tests.answers import ANSWERS
from tests.conftest import Baked, Run
from tests.markdown import anchors, links
from tests.reading import files

SCHEMA = ("check-jsonschema", "--builtin-schema")

TOOLS = {
    ".github/workflows/*.yml": [
        ("actionlint",),
        (*SCHEMA, "vendor.github-workflows"),
        (*SCHEMA, "custom.github-workflows-require-timeout"),
        ("zizmor", "--offline", "--quiet", "--strict-collection", "--persona=auditor"),
    ],
    ".github/dependabot.yml": [
        (*SCHEMA, "vendor.dependabot"),
        ("zizmor", "--offline", "--quiet", "--strict-collection", "--persona=auditor"),
    ],
    ".gitlab-ci.yml": [(*SCHEMA, "vendor.gitlab-ci", "--data-transform", "gitlab-ci")],
    "compose.yaml": [(*SCHEMA, "vendor.compose-spec")],
    "Dockerfile": [("hadolint", "--no-color", "--failure-threshold=style")],
    ".pre-commit-config.yaml": [("pre-commit", "validate-config")],
    "pyproject.toml": [("validate-pyproject",)],
}
"""The command for a file; it gets the file's name as its last argument."""

ELSEWHERE = {
    "*.py": "test_options.py runs ruff and ty over them",
    "*.md": "below, by its links",
    "*.json": "below, by reading it",
    "Makefile": "below, by make",
    "LICENSE": "below, by its text",
    ".gitignore": "below, by git",
    ".gitattributes": "below, by git",
    ".dockerignore": "test_commands.py copies by it",
    ".editorconfig": "below, and held against every file",
    "*.txt": "the project's own tests make a feature of them",
    ".env.example": "the project's own tests hold it against the settings",
    "migrations/script.py.mako": "test_project.py makes a migration by it",
}
"""Who checks the files that have no command in ``TOOLS``."""


def run_tool(*command: str, cwd: Path, home: Path) -> None:
    """Run a tool that is installed beside the Python of these tests; it must be content."""
    programs = Path(sys.executable).parent
    result = subprocess.run(
        [programs / command[0], *command[1:]],
        cwd=cwd,
        env={"PATH": f"{programs}:{os.defpath}", "HOME": str(home), "LANG": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", ANSWERS)
def test_every_file_is_checked_by_something(name: str, baked: Baked) -> None:
    for path in files(baked(name)):
        checks = [pattern for pattern in (*TOOLS, *ELSEWHERE) if fnmatch(path, pattern)]

        assert checks, f"name the tool that checks {path}"


@pytest.mark.parametrize("pattern", TOOLS)
def test_the_tool_made_for_a_file_has_nothing_to_say(
    pattern: str, baked: Baked, template: Path, home: Path
) -> None:
    found = False
    for folder in (*map(baked, ANSWERS), template):
        for path in folder.glob(pattern):
            found = True
            for command in TOOLS[pattern]:
                run_tool(*command, str(path.relative_to(folder)), cwd=folder, home=home)
    assert found


@pytest.mark.parametrize("of", ["project", "template"])
def test_a_workflow_may_nothing_and_runs_what_was_read(
    of: str, baked: Baked, template: Path
) -> None:
    folder = template if of == "template" else baked("defaults")
    for path in folder.glob(".github/workflows/*.yml"):
        text = path.read_text(encoding="utf-8")
        workflow = yaml.safe_load(text)

        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            assert job["permissions"] == {"contents": "read"}
            assert job["timeout-minutes"]
            checkout = job["steps"][0]
            assert checkout["uses"].startswith("actions/checkout@")
            assert checkout["with"]["persist-credentials"] is False
        for action in re.findall(r"uses: (.*)", text):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action)


@pytest.mark.parametrize("of", ["project", "template"])
def test_every_link_leads_somewhere(of: str, baked: Baked, template: Path) -> None:
    folder = template if of == "template" else baked("defaults")
    pages = [path for path in folder.rglob("*.md") if "{{" not in str(path.relative_to(folder))]
    assert pages
    for page in pages:
        for link in links(page):
            if re.match(r"(https?|mailto):", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), f"{page.name}: {link}"
            assert target.is_relative_to(folder), f"{page.name}: {link}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def test_every_json_can_be_read(baked: Baked) -> None:
    for path, content in files(baked("defaults")).items():
        if path.endswith(".json"):
            json.loads(content)


ASKED_FOR = ("args", "k", "m", "name", "singular", "from", "BASE_URL")
"""The variables that someone who calls make may give."""


def test_make_knows_every_variable_and_every_target_of_the_makefile(
    installed: Path, run: Run
) -> None:
    makefile = (installed / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z0-9-]+):.*## ", makefile, re.MULTILINE)
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)", makefile, re.MULTILINE)
    assert phony is not None
    assert sorted(phony[1].replace("\\", "").split()) == sorted(targets)

    given = [f"{name}=x" for name in ASKED_FOR]
    result = run("make", "-n", "--warn-undefined-variables", *targets, *given, cwd=installed)

    assert (result.returncode, result.stderr) == (0, "")


def words(licence: str) -> list[str]:
    """The text of a licence, without whose it is."""
    whose = r"^Copyright \(c\) .*$|^All rights reserved\.$"
    return re.sub(whose, "", licence, flags=re.MULTILINE).split()


@pytest.mark.parametrize("licence", ["MIT", "Apache-2.0", "BSD-3-Clause"])
def test_a_licence_is_the_published_text_word_by_word(licence: str, source: Path) -> None:
    text = (source / "licenses" / licence).read_text(encoding="utf-8")

    assert words(text) == words(dict(LICENSES)[licence])


@pytest.fixture
def git(run: Run, installed: Path, tmp_path: Path) -> Run:
    """Git, whose repository of the installed project lies elsewhere, for nothing is changed there."""

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        there = (f"--git-dir={tmp_path / 'git'}", f"--work-tree={installed}")
        result = run("git", *there, *arguments, cwd=installed)
        assert result.returncode == 0, result.stderr
        return result

    git("init", "--quiet")
    return git


def test_git_sees_what_was_baked_and_the_lock_file(
    git: Run, baked: Baked, installed: Path, run: Run
) -> None:
    for made in ("reports/unit.xml", "sbom.json", ".env", ".env.local", "app/__pycache__/x.pyc"):
        assert git("check-ignore", made).stdout.strip() == made
    run("make", "test-unit", "sbom", cwd=installed)

    seen = git("ls-files", "--others", "--exclude-standard", "-z").stdout.split("\0")

    assert set(seen) - {""} == {*files(baked("defaults")), "uv.lock"}


def test_git_checks_every_file_out_with_the_same_line_ends(git: Run, baked: Baked) -> None:
    paths = files(baked("defaults"))

    said = git("check-attr", "eol", "--", *paths).stdout.splitlines()

    assert said == [f"{path}: eol: lf" for path in paths]


@pytest.mark.parametrize("of", ["project", "template"])
def test_every_file_is_written_as_the_editor_is_told(of: str, baked: Baked, template: Path) -> None:
    written = files(template if of == "template" else baked("defaults"))
    for path, content in written.items():
        text = content.decode()

        assert text.endswith("\n") or not text, path
        assert not text.endswith("\n\n"), path
        assert "\r" not in text, path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert "\t" not in text or path.endswith("Makefile"), path
