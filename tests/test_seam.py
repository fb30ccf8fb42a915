"""An option is a line in the hook's list: what it brings is found, and without it nothing is left."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cookiecutter.exceptions import CookiecutterException

from tests.answers import ANSWERS
from tests.conftest import Baked, Run
from tests.reading import files
from tests.stated import stated_tree
from tests.workshop import run_tests
from tools.bake import bake, clean_copy
from tools.options import problems

PROJECT = "{{cookiecutter.project_slug}}"
HOOK = "hooks/post_gen_project.py"

WORDS = {"telemetry": re.compile(r"telemetry|otel_|\bspans?\b", re.IGNORECASE)}
"""What no file says without the option, in its text or its name."""

MAILS = "aaaaaaaaaaaa"
"""Its revision, which that of the example follows."""

MAIL = {
    "app/features/mail/__init__.py": "",
    "app/features/mail/models.py": """from sqlalchemy.orm import Mapped

from app.core.models import Entity


class Mail(Entity):
    __tablename__ = "mails"

    subject: Mapped[str]
""",
    "app/features/mail/router.py": """from typing import Annotated

from fastapi import APIRouter, Depends

from app.features.mail.settings import MailSettings
from app.settings import get_settings

router = APIRouter(prefix="/mail", tags=["mail"])

CurrentMailSettings = Annotated[MailSettings, Depends(get_settings)]


@router.get("")
async def read_host(settings: CurrentMailSettings) -> str:
    return settings.smtp_host
""",
    "app/features/mail/settings.py": """from pydantic import BaseModel


class MailSettings(BaseModel):
    smtp_host: str = "localhost"
""",
    "docs/mail.md": "# Mail\n\nIt goes to `SMTP_HOST`.\n",
    "migrations/versions/2026_11_20_0900_create_mails.py": '''"""Create mails."""

import sqlalchemy as sa
from alembic import op

revision: str = "aaaaaaaaaaaa"
down_revision: str | None = None


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )


def downgrade() -> None:
    op.drop_table("mails")
''',
    "tests/factories/mail.py": '''import pytest


@pytest.fixture
def mail_subject() -> str:
    """A subject."""
    return "hello"
''',
    "tests/integration/test_mail.py": """from httpx import AsyncClient


async def test_the_host_is_read(client: AsyncClient, mail_subject: str) -> None:
    assert (await client.get("/mail")).json() == "localhost"
    assert mail_subject == "hello"
""",
}
"""An option of every kind: a feature with settings, a table, a fixture, a page and tests."""

LINES = {
    "compose.yaml": ("services:\n", "  mail:\n    image: axllent/mailpit:v1.21\n"),
    ".github/workflows/check.yml": ("    env:\n", "      SMTP_HOST: mail\n"),
    ".gitlab-ci.yml": ("variables:\n", "  SMTP_HOST: mail\n"),
    ".env.example": ("PORT=8000\n", "SMTP_HOST=localhost\n"),
    "pyproject.toml": ("dependencies = [\n", '    "aiosmtplib>=5",\n'),
    "README.md": ("## Run it\n", "\nIt sends mail.\n"),
}
"""The lines that it adds to files, and the line that they follow."""


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"not in {file}: {old}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def with_mail(tmp_path: Path) -> Path:
    """The template with one more option."""
    template = clean_copy(tmp_path / "template")
    questions = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    questions |= {"mail": ["none", "smtp"]}
    (template / "cookiecutter.json").write_text(json.dumps(questions), encoding="utf-8")
    rules = template / "hooks/pre_gen_project.py"
    replace(rules, "CHOICES = {\n", 'CHOICES = {\n    "mail": ("none", "smtp"),\n')
    paths = ["app/features/mail", *(path for path in MAIL if "/features/" not in path)]
    replace(template / HOOK, "OPTIONS = {\n", f'OPTIONS = {{\n    "mail": {json.dumps(paths)},\n')
    named = ", ".join(json.dumps(name) for name in LINES)
    replace(template / HOOK, "FENCED = [", f"FENCED = [*{{{named}}}, *[")
    replace(template / HOOK, '"pyproject.toml"]\n', '"pyproject.toml"]]\nFENCED = [*{*FENCED}]\n')
    for path, text in MAIL.items():
        (template / PROJECT / path).parent.mkdir(exist_ok=True)
        (template / PROJECT / path).write_text(text, encoding="utf-8")
    for path, (line, added) in LINES.items():
        opening, end = ("<!-- {} mail -->", "") if path.endswith(".md") else ("# {} mail", "")
        fenced = f"{opening.format('option')}\n{added}{opening.format('end')}\n{end}"
        replace(template / PROJECT / path, line, line + fenced)
    first = f'| None = "{MAILS}"'
    for path in (template / PROJECT / "migrations/versions").glob("*.py"):
        if path.name not in "".join(MAIL):  # examples come last
            text = path.read_text(encoding="utf-8")
            path.write_text(
                text.replace(
                    "down_revision: str | Sequence[str] | None = None",
                    f"down_revision: str | Sequence[str] {first}",
                ),
                encoding="utf-8",
            )
    return template


def test_an_option_that_is_off_leaves_nothing(
    with_mail: Path, baked: Baked, tmp_path: Path
) -> None:
    assert list(problems(with_mail)) == []

    for name in ("defaults", "gitlab"):
        off = bake(with_mail, tmp_path / name, ANSWERS[name])

        assert files(off) == files(baked(name))


def test_the_revisions_of_options_come_before_those_of_examples(with_mail: Path) -> None:
    for path in (with_mail / PROJECT / "migrations/versions").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if f'revision: str = "{MAILS}"' in text:
            path.write_text(text.replace("= None", '= "6d5b0f1c9a34"'), encoding="utf-8")

    (problem,) = problems(with_mail)

    assert problem.endswith("the revisions of options come before those of examples.")


@pytest.mark.heavy
def test_an_option_that_is_on_is_found(
    with_mail: Path, installed: Path, server: str, tmp_path: Path
) -> None:
    on = bake(with_mail, tmp_path, {"mail": "smtp", "telemetry": "opentelemetry"})

    for path, (_, added) in LINES.items():
        if (on / path).exists():
            assert added in (on / path).read_text(encoding="utf-8")
    files_of_tests = (
        *("tests/integration/test_mail.py", "tests/integration/test_migrations.py"),
        *("tests/unit/test_settings.py", "tests/unit/test_architecture.py"),
    )
    result = run_tests(on, installed, server, *files_of_tests)
    assert result.returncode == 0, result.stdout + result.stderr


def chain(project: Path) -> dict[str, str]:
    """Return what each revision follows."""
    links = re.compile(r'^(revision|down_revision)\b.* = "?(\w+)"?$', re.MULTILINE)
    pairs = [
        dict(links.findall(path.read_text(encoding="utf-8")))
        for path in project.glob("migrations/versions/*.py")
    ]
    return {pair["revision"]: pair["down_revision"] for pair in pairs}


def add_revision(project: Path) -> dict[str, str]:
    """Add one of the user's own; return what each follows then."""
    shipped = chain(project)
    (head,) = shipped.keys() - shipped.values()
    source = f'revision = "{MINE}"\ndown_revision = "{head}"\n'
    (project / "migrations/versions/mine.py").write_text(source, encoding="utf-8")
    return shipped | {MINE: head}


MINE = "bbbbbbbbbbbb"


def test_an_option_that_is_switched_on_later_comes_after_what_was_applied(
    with_mail: Path, run: Run, tmp_path: Path
) -> None:
    project = bake(with_mail, tmp_path / "off", {})
    applied = add_revision(project)
    for command in ("init", "add .", "-c user.name=a -c user.email=a@b.example commit -m first"):
        assert run("git", *command.split(), cwd=project).returncode == 0
    on = bake(with_mail, tmp_path / "on", {"mail": "smtp"})
    for path in on.glob("migrations/versions/*.py"):  # as an update brings them
        (project / "migrations/versions" / path.name).write_bytes(path.read_bytes())
    assert MAILS in chain(project).values()

    checked = run("python3", "-m", "devkit.commands.relink", "--check", cwd=project)
    done = run("python3", "-m", "devkit.commands.relink", cwd=project)

    assert (checked.returncode, done.returncode) == (1, 0), checked.stderr + done.stderr
    assert checked.stderr.startswith("The revisions are not in one line: run `make relink`")
    assert chain(project) == applied | {MAILS: MINE}
    assert run("python3", "-m", "devkit.commands.relink", "--check", cwd=project).returncode == 0


def test_what_follows_a_removed_example_is_linked_again(
    template: Path, run: Run, tmp_path: Path
) -> None:
    project = bake(template, tmp_path, {})
    shipped = [*project.glob("migrations/versions/*.py")]
    add_revision(project)
    for path in shipped:
        path.unlink()

    result = run("python3", "-m", "devkit.commands.relink", cwd=project)

    assert (result.returncode, result.stdout) == (0, "mine.py follows none\n"), result.stderr
    assert chain(project) == {MINE: "None"}


def complaints(template: Path, folder: Path) -> Iterator[str]:
    """Say what the lint of the template, a bake and a reader of the result find."""
    yield from problems(template)
    try:
        project = bake(template, folder, {})
    except CookiecutterException as error:
        yield f"not baked: {error}"
        return
    baked = files(project)
    yield from (f"{path} is not as stated" for path in baked.keys() ^ stated_tree({}))
    for option, word in WORDS.items():
        for path, content in baked.items():
            for number, line in enumerate(content.decode().split("\n"), 1):
                if word.search(line) or word.search(path):
                    yield f"{path}:{number}: of {option}: {line}"


class Break(NamedTuple):
    promise: str
    file: str
    old: str
    new: str
    complaint: str


BREAKS = [
    Break(
        "a file goes with its option",
        HOOK,
        '        "docs/telemetry.md",\n',
        "",
        "docs/telemetry.md is not as stated",
    ),
    Break(
        "a dependency goes with its option",
        f"{PROJECT}/pyproject.toml",
        '    "structlog>=26.1",\n',
        '    "structlog>=26.1",\n    "fastapi[opentelemetry]",\n',
        'of telemetry:     "fastapi[opentelemetry]"',
    ),
    Break(
        "a fence is closed",
        f"{PROJECT}/pyproject.toml",
        "    # end telemetry\n",
        "",
        "pyproject.toml: `option telemetry` has no `end telemetry` after it.",
    ),
    Break(
        "a fence is opened",
        f"{PROJECT}/pyproject.toml",
        "    # option telemetry\n",
        "",
        "pyproject.toml:20: `end telemetry` has no `option telemetry` before it.",
    ),
    Break(
        "a fence is of an option",
        f"{PROJECT}/pyproject.toml",
        "    # option telemetry\n",
        "    # option telemtry\n",
        "pyproject.toml:19: there is no option telemtry, only ci=github, ",
    ),
    Break(
        "a file with fences is listed",
        HOOK,
        '"README.md", "pyproject',
        '"pyproject',
        "README.md: has fences, and FENCED does not name it",
    ),
    Break(
        "no fence stands in Python",
        f"{PROJECT}/app/main.py",
        "import asyncio\n",
        "# option telemetry\nimport asyncio\n# end telemetry\n",
        "app/main.py: no fence stands in Python",
    ),
    Break(
        "an option is a choice",
        HOOK,
        '"ci=gitlab"',
        '"ci=gitlap"',
        "hooks/post_gen_project.py: cookiecutter.json does not offer ci=gitlap.",
    ),
    Break(
        "a path of an option is there",
        HOOK,
        '"docs/telemetry.md"',
        '"docs/telemetri.md"',
        "hooks/post_gen_project.py: docs/telemetri.md, of telemetry, is not there.",
    ),
    Break(
        "what is offered is known to the hook",
        "cookiecutter.json",
        '["github", "gitlab", "none"]',
        '["github", "gitlab", "none", "jenkins"]',
        "hooks/pre_gen_project.py: CHOICES are not those of cookiecutter.json.",
    ),
]


def test_nothing_is_left_of_an_option_that_is_off(template: Path, tmp_path: Path) -> None:
    assert list(complaints(template, tmp_path)) == []


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.promise)
def test_a_broken_promise_of_the_template_is_noticed(broken: Break, tmp_path: Path) -> None:
    template = clean_copy(tmp_path / "template")
    replace(template / broken.file, broken.old, broken.new)

    found = list(complaints(template, tmp_path))

    assert any(broken.complaint in line for line in found), found


@pytest.mark.parametrize("broken", BREAKS[2:5], ids=lambda broken: broken.promise)
def test_a_bake_says_in_one_line_which_fence_is_wrong(
    broken: Break, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    template = clean_copy(tmp_path / "template")
    replace(template / broken.file, broken.old, broken.new)

    with pytest.raises(CookiecutterException):
        bake(template, tmp_path, {})

    assert capfd.readouterr().err.startswith(broken.complaint)
    assert not (tmp_path / "orders-api").exists()


def test_a_machine_with_cookiecutter_and_nothing_else_bakes(
    template: Path, baked: Baked, run: Run, tmp_path: Path
) -> None:
    for command in (
        ["python3", "-m", "venv", "alone"],
        ["alone/bin/pip", "install", "-qq", "--disable-pip-version-check", "cookiecutter>=2.7.1"],
        ["alone/bin/python", "-B", "-m", "cookiecutter", template, "--no-input"],
    ):
        result = run(*command, cwd=tmp_path)
        assert result.returncode == 0, result.stderr

    assert files(tmp_path / "orders-api") == files(baked("defaults"))


def test_the_readme_says_what_an_option_weighs(baked: Baked, template: Path) -> None:
    more = files(baked("everything")).keys() - files(baked("defaults")).keys()
    lines = {
        folder: sum(
            len((baked("everything") / path).read_text(encoding="utf-8").splitlines())
            for path in more
            if path.startswith(folder) and path.endswith(".py")
        )
        for folder in ("app/", "tests/")
    }

    readme = (template / "README.md").read_text(encoding="utf-8")

    weight = f" | {len(more)} | {lines['app/']}, and {lines['tests/']} of tests | "
    (row,) = re.findall(r"^\| `telemetry: opentelemetry` .*$", readme, re.MULTILINE)
    assert weight in row
