"""What the files of a baked project tell a machine to run, run: its CI, its hooks."""

import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import Run
from tests.pipelines import Job, github_jobs, gitlab_jobs
from tests.workshop import run_tests
from tools.bake import bake

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

RunJobs = Callable[[Path, list[Job]], None]


@pytest.fixture
def run_jobs(run: Run, server: str) -> RunJobs:
    """Run jobs one after another in one folder, so that each finds the artifacts of those before."""

    def run_jobs(project: Path, jobs: list[Job]) -> None:
        for job in jobs:
            variables = job.variables | {"CI": "true", "UV_PYTHON": HERE}
            variables.pop("UV_CACHE_DIR", None)  # the cache of this machine has the packages
            if "TEST_DATABASE_URL" in variables:
                variables["TEST_DATABASE_URL"] = server
            for command in job.commands:
                result = run("bash", "-eo", "pipefail", "-c", command, cwd=project, **variables)
                said = f"{job.name}: {command}\n{result.stdout}{result.stderr}"
                assert result.returncode == 0, said

    return run_jobs


def assert_reported(project: Path, version: str) -> None:
    """There are reports of each stage, and no test was skipped."""
    reports = project / "reports" / version
    for stage in ("unit", "integration", "e2e"):
        suites = ElementTree.parse(reports / f"{stage}-1.xml").getroot()  # noqa: S314 - our own
        counts = [suite.attrib for suite in suites.iter("testsuite")]
        assert sum(int(count["tests"]) for count in counts) > 0
        assert all(count["skipped"] == "0" for count in counts)
    assert (project / "htmlcov/index.html").exists()
    assert (project / "coverage.xml").exists()


@pytest.mark.heavy
def test_the_jobs_of_github_run(committed: Path, run_jobs: RunJobs) -> None:
    workflow = committed / ".github/workflows/check.yml"

    run_jobs(committed, github_jobs(workflow, {"github.run_number": "7"}))

    assert_reported(committed, "3.14")


@pytest.mark.heavy
def test_the_jobs_of_gitlab_run(
    template: Path, committed: Path, tmp_path: Path, run_jobs: RunJobs
) -> None:
    pipeline = bake(template, tmp_path, {"ci": "gitlab"}) / ".gitlab-ci.yml"
    facts = {"CI_PIPELINE_IID": "7", "CI_PROJECT_DIR": str(committed), "UV_PYTHON": HERE}

    jobs = {job.name: job for job in gitlab_jobs(pipeline, facts)}
    run_jobs(committed, [jobs["check"], jobs["server"], jobs["coverage"]])

    assert_reported(committed, HERE)


def test_the_shards_of_ci_have_every_test_once(
    workshop: Path, installed: Path, server: str
) -> None:
    def collected(*arguments: str) -> list[str]:
        result = run_tests(workshop, installed, server, "--collect-only", "-q", *arguments, seed=7)
        assert result.returncode == 0, result.stdout
        return [line for line in result.stdout.splitlines() if "::" in line]

    shards = [collected("--splits=3", f"--group={group}") for group in (1, 2, 3)]

    assert sorted(chain(*shards)) == sorted(collected())
    assert max(map(len, shards)) - min(map(len, shards)) <= 3


SKIPPED = {
    "by a marker": "import pytest\n\n@pytest.mark.skip\ndef test_it(): ...",
    "by itself": "import pytest\n\ndef test_it():\n    pytest.skip('not today')",
    "with its file": "import pytest\n\npytest.importorskip('no_such_module')",
    "since it is known to fail": "import pytest\n\n@pytest.mark.xfail\ndef test_it(): assert False",
}


@pytest.mark.parametrize("source", SKIPPED.values(), ids=SKIPPED)
def test_a_test_that_is_skipped_is_red_in_ci(
    source: str, workshop: Path, installed: Path, run: Run
) -> None:
    file = workshop / "tests/unit/test_skipped.py"
    file.write_text(source, encoding="utf-8")
    command = [installed / ".venv/bin/python", "-m", "pytest", "-q", file]

    assert run(*command, cwd=workshop).returncode in (0, 5)  # 5: the file held no test

    result = run(*command, cwd=workshop, CI="true")
    assert result.returncode in (1, 2), result.stdout
    assert "was skipped, which CI takes for a failure" in result.stdout


def test_the_hooks_of_a_commit_pass_and_notice_what_they_are_for(
    workshop: Path, installed: Path, run: Run, machine: dict[str, str]
) -> None:
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=workshop, check=True)
    path = f"{installed}/.cache/uv/bin:{machine['PATH']}"
    commit = [Path(sys.executable).with_name("pre-commit"), "run", "--all-files"]
    variables = {"PATH": path, "UV_PYTHON": HERE}

    result = run(*commit, cwd=workshop, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("Passed") == 3

    main = workshop / "app/main.py"
    main.write_text(main.read_text(encoding="utf-8") + "\nx: int =  ''\n", encoding="utf-8")
    result = run(*commit, cwd=workshop, **variables)
    assert result.returncode == 1
    assert result.stdout.count("Failed") == 2  # its format, and its type
