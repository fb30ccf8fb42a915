"""A project follows the template by ``cruft update``: it gets what is new, and keeps what is its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.reading import files
from tools.bake import ROOT, bake

PROJECT = "{{cookiecutter.project_slug}}"

Edit = tuple[str, str, str]
"""A file, and what stands there once: it is replaced by what comes third."""

SINCE: list[Edit] = [
    (f"{PROJECT}/pyproject.toml", 'minversion = "9.1"\n', 'minversion = "9.0"\n'),
    (f"{PROJECT}/Dockerfile", "WORKDIR /srv\n", "WORKDIR /app\n"),
    (f"{PROJECT}/.gitignore", "htmlcov/\n", ""),
    (f"{PROJECT}/app/main.py", "def create_app(", "# Called by uvicorn.\ndef create_app("),
    (f"{PROJECT}/.github/dependabot.yml", "ecosystem: docker\n", "ecosystem: docker-compose\n"),
    (
        "template_filters.py",
        "(checked, prose, proposed_slug, quoted)",
        "(checked, proposed_slug, quoted)",
    ),
    (
        f"{PROJECT}/README.md",
        "{{ cookiecutter.project_name | prose }}",
        "{{ cookiecutter.project_name }}",
    ),
    (
        f"{PROJECT}/README.md",
        "{{ cookiecutter.description | prose }}",
        "{{ cookiecutter.description }}",
    ),
]
"""What changed since a release that is made up: ``new``, and ``old``. A file was removed, too."""

OWN: list[Edit] = [
    ("pyproject.toml", 'version = "0.1.0"\n', 'version = "1.2.3"\n'),
    ("pyproject.toml", "max-complexity = 8\n", "max-complexity = 12\n"),
    ("README.md", "# Orders API\n", "# Orders API of the north\n\nAsk Ada.\n"),
    ("LICENSE", "MIT License\n", "MIT License, as far as it goes\n"),
    ("compose.yaml", "      retries: 30\n", "      retries: 60\n"),
    ("Dockerfile", "--start-period=10s", "--start-period=15s"),
    (".gitignore", "# Secrets\n", "# Mine\n/notes.txt\n\n# Secrets\n"),
    (".editorconfig", "indent_size = 4\n", "indent_size = 4\nmax_line_length = 100\n"),
    ("app/core/pagination.py", '"""Pages by keyset', '"""Our pages by keyset'),
    (".github/dependabot.yml", "version: 2\n", "# Read by Dependabot.\nversion: 2\n"),
]
"""What a user changed, in ten places; a file of their own comes to it, and one is removed."""

Git = Callable[..., str]


@pytest.fixture
def git(run: Run) -> Git:
    """Git, as somebody who has configured nothing but a name."""

    def git(*arguments: str, cwd: Path) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        result = run("git", *who, *arguments, cwd=cwd)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    return git


def change(folder: Path, edits: list[Edit]) -> None:
    for name, new, old in edits:
        file = folder / name
        text = file.read_text(encoding="utf-8")
        assert text.count(new) == 1, f"not once in {name}: {new}"
        file.write_text(text.replace(new, old), encoding="utf-8")


def release_that_is_made_up(template: Path, repository: Path, git: Git) -> str:
    """Make a history of two commits, the last of which is the template as it is."""
    shutil.copytree(template, repository)
    git("init", "--quiet", "--initial-branch=main", cwd=repository)
    gone = repository / PROJECT / "app/core/old.py"
    gone.write_text('"""Gone since."""\n', encoding="utf-8")
    change(repository, SINCE)
    git("add", ".", cwd=repository)
    git("commit", "--quiet", "-m", "the release", cwd=repository)
    release = git("rev-parse", "HEAD", cwd=repository)
    gone.unlink()
    commit_present(template, repository, git)
    return release


def last_release(template: Path, repository: Path, git: Git) -> str:
    """Clone this repository's own history; while it has no tag, its first commit is the release."""
    git("clone", "--quiet", str(ROOT), str(repository), cwd=ROOT)
    git("switch", "--quiet", "--force-create", "main", cwd=repository)
    tags = git("tag", "--merged", "HEAD^", "--sort=-creatordate", cwd=repository).splitlines()
    first = git("rev-list", "HEAD", "--", "cookiecutter.json", cwd=repository).splitlines()[-1]
    git("rm", "-r", "--quiet", ".", cwd=repository)
    commit_present(template, repository, git)
    return tags[0] if tags else first


def commit_present(template: Path, repository: Path, git: Git) -> None:
    shutil.copytree(template, repository, dirs_exist_ok=True)
    git("add", "--all", ".", cwd=repository)
    git("commit", "--quiet", "--allow-empty", "-m", "the present", cwd=repository)


RELEASES = {"made up": release_that_is_made_up}
SHALLOW = subprocess.run(
    ["git", "rev-parse", "--is-shallow-repository"], cwd=ROOT, capture_output=True, check=True
)
if SHALLOW.stdout == b"false\n":  # in a shallow clone there is no past but the one made up
    RELEASES["of this repository"] = last_release


@pytest.mark.heavy
@pytest.mark.parametrize("release_in", RELEASES.values(), ids=RELEASES)
def test_an_update_brings_what_is_new_and_keeps_what_is_the_users(
    release_in: Callable[[Path, Path, Git], str],
    template: Path,
    tmp_path: Path,
    run: Run,
    git: Git,
) -> None:
    repository = tmp_path / "template"
    release = release_in(template, repository, git)
    cruft = (sys.executable, "-m", "cruft")
    answers = ("--no-input", "--checkout", release)
    made = run(*cruft, "create", str(repository), *answers, cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    project = tmp_path / "orders-api"
    before = files(project)
    git("init", "--quiet", cwd=project)
    change(project, OWN)
    (project / "docs/ours.md").write_text("# Ours\n", encoding="utf-8")
    (project / ".dockerignore").unlink()
    git("add", "--all", ".", cwd=project)
    git("commit", "--quiet", "-m", "ours", cwd=project)
    own = files(project)

    updated = run(
        *cruft, "update", "--skip-apply-ask", "--checkout", "main", cwd=project, LANG="C.UTF-8"
    )
    assert updated.returncode == 0, updated.stdout + updated.stderr

    expected = bake(template, tmp_path / "present", {})
    assert before != files(expected)
    change(expected, OWN)
    (expected / ".dockerignore").unlink()
    result = files(project, leave=(".git", ".cruft.json"))
    assert result == files(expected) | {"docs/ours.md": b"# Ours\n"}
    assert own != result
    checked = run("make", "check", cwd=project)
    assert checked.returncode == 0, updated.stderr + checked.stdout + checked.stderr
