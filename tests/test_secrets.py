"""No part of a database's password is in what a project says, wherever in a URL it stands."""

import json
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.served import serving

pytestmark = pytest.mark.heavy

Probe = Callable[[str], dict[str, Any]]

LETTERS = "QXZJ"
"""Two of them follow each other in no message, so that what is found is the password."""

PASSWORDS = st.text(
    alphabet=f"{LETTERS}79@:/?#&=%+ ;,[]\\'\"$^.-_ß", min_size=6, max_size=24
).filter(lambda text: sum(text.count(letter) for letter in LETTERS) >= 4)

RIGHT = (
    "postgresql://me:{}@127.0.0.1:1/shop",
    "postgres://me:{}@127.0.0.1:1/shop?sslmode=require&channel_binding=require",
    "postgresql+asyncpg://me:{}@[::1]:1/shop",
    "postgresql://me:{}@/shop?host=/nowhere",
    "postgresql://me@127.0.0.1:1/shop?password={}",
    "postgresql://127.0.0.1:1/shop?user=me&password={}",
)
WITHOUT_HOST = ("postgresql://me:{}/shop", "postgresql://me:{}")
WRONG = (
    *WITHOUT_HOST,
    "postgresql:me:{}@127.0.0.1:1/shop",
    "postgresql:///me:{}@127.0.0.1/shop",
    "postgresql://me:{}@127.0.0.1:1@127.0.0.1:1/shop",
    "postgresql://me:{}@127.0.0.1:0/shop",
    "postgresql://me:{}@127.0.0.1:x/shop",
    "postgresql://me:{}@127.0.0.1:1/shop?sslmode=foo",
    "postgresql://me:a@127.0.0.1:1/shop?password={}",
    "postgresql://me:a@127.0.0.1:1/shop?sslpassword={}",
    "postgresql://me:a@127.0.0.1:1/shop?sslmode={}",
    "postgresql://me:a@127.0.0.1:1/shop?target_session_attrs={}",
    "postgresql://me:a@127.0.0.1:1/shop?{}=1",
    "postgresql://me:a@127.0.0.1:1/shop?{}",
    "postgresql://me:a@127.0.0.1:1/shop;password={}",
    "postgresql://me:a@127.0.0.1:{}/shop",
    "mysql://me:{}@127.0.0.1:1/shop",
    "jdbc:postgresql://127.0.0.1:1/shop?user=me&password={}",
    "me:{}@127.0.0.1:1/shop",
    "host=127.0.0.1 user=me password={}",
    "{}",
)

PROBE = """
import asyncio, contextlib, io, json, os, sys, traceback
from alembic.config import CommandLine
from pydantic import ValidationError
from sqlalchemy import make_url
from sqlalchemy.pool import NullPool
from app.__main__ import main
from app.core.db.engine import create_engine
from app.settings import Settings, explain

async def connect(engine):
    async with engine.connect():
        pass

def ended(command):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        try:
            command()
        except SystemExit as end:
            print(end.code)
        except BaseException:
            traceback.print_exc()
    return out.getvalue()

def judge(url):
    os.environ["DATABASE_URL"] = url
    migrated = ended(lambda: CommandLine().main(["current"]))
    try:
        settings = Settings()
    except ValidationError as error:
        said = [repr(error), str(error), *traceback.format_exception(error), migrated, ended(main)]
        return {"line": explain(error), "said": said}
    engine = create_engine(settings, poolclass=NullPool)
    said = [repr(settings), str(settings.model_dump()), repr(engine.url), str(engine), migrated]
    try:
        asyncio.run(connect(engine))
    except Exception as error:
        said += traceback.format_exception(error)
        is_reached = isinstance(getattr(error, "orig", error), OSError)
    return {"password": engine.url.password, "is_reached": is_reached, "said": said}

for line in sys.stdin:
    print(json.dumps(judge(json.loads(line))), flush=True)
"""


@pytest.fixture(scope="module")
def probe(installed: Path) -> Generator[Probe]:
    """Give a project a URL; it tells what it makes of it."""
    with subprocess.Popen(
        [installed / ".venv/bin/python", "-c", PROBE],
        cwd=installed,
        env={"HOME": "/nowhere"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def ask(url: str) -> dict[str, Any]:
            print(json.dumps(url), file=questions, flush=True)
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        yield ask
        questions.close()


def shown(password: str, text: str) -> set[str]:
    """Return the parts of a password, of four characters, that are in a text."""
    forms = (password, quote(password, safe=""))
    parts = {form[start : start + 4] for form in forms for start in range(len(form) - 3)}
    tell_tale = {part for part in parts if sum(map(part.count, LETTERS)) >= 2}
    return {part for part in tell_tale if part in text}


def check(answer: dict[str, Any], password: str) -> None:
    assert not shown(password, "\n".join(answer["said"]))
    if "line" in answer:
        assert answer["line"].startswith("DATABASE_URL: ")
        assert "\n" not in answer["line"]
        assert not shown(password, answer["line"])
    else:  # what is accepted fails at the network, not for what is in the URL
        assert answer["is_reached"], answer


def test_a_part_of_a_password_is_found() -> None:
    assert shown("a@QXZ", "nothing at @QXZ:5432") == {"@QXZ"}
    assert not shown("a@QXZ", "nothing at all")


@settings(max_examples=150, deadline=None, database=None)
@given(form=st.sampled_from(RIGHT), password=PASSWORDS)
@example(form=RIGHT[0], password="QX@ZJ/QX:ZJ?QX#ZJ")  # noqa: S106 - it opens nothing
def test_an_escaped_password_arrives_and_is_not_shown(
    probe: Probe, form: str, password: str
) -> None:
    answer = probe(form.format(quote(password, safe="")))

    check(answer, password)
    assert answer["password"] == password


@settings(max_examples=400, deadline=None, database=None)
@given(form=st.sampled_from((*RIGHT, *WRONG)), password=PASSWORDS)
@example(form=RIGHT[0], password="QX@ZJQX")  # noqa: S106
@example(form=WRONG[0], password="1/QXZJ")  # noqa: S106
@example(form=RIGHT[5], password="QX@ZJQX")  # noqa: S106
def test_a_password_that_is_not_escaped_is_not_shown(
    probe: Probe, form: str, password: str
) -> None:
    # What follows the @ is then a host, or what follows the / a database, and no other URL says it better.
    assume(form not in WITHOUT_HOST or "@" not in password)
    assume(form != WITHOUT_HOST[1] or "/" not in password)

    check(probe(form.format(password)), password)


@settings(max_examples=100, deadline=None, database=None)
@given(form=st.sampled_from(WRONG), password=PASSWORDS)
def test_a_password_in_a_wrong_place_is_not_shown(probe: Probe, form: str, password: str) -> None:
    check(probe(form.format(quote(password, safe=""))), password)


OPTIONS = st.sampled_from(
    (
        *("host", "port", "user", "password", "passfile", "service", "servicefile", "database"),
        *("timeout", "statement_cache_size", "max_cached_statement_lifetime", "command_timeout"),
        *("max_cacheable_statement_size", "ssl", "sslmode", "direct_tls", "server_settings", "dsn"),
        *("target_session_attrs", "krbsrvname", "gsslib", "loop", "connection_class"),
        *("sslrootcert", "sslcert", "sslnegotiation", "record_class", "options", "dbname"),
        *("prepared_statement_cache_size", "async_creator_fn", "application_name"),
    )
)
VALUES = st.sampled_from(
    (
        "",
        "0",
        "1",
        "-1",
        "x",
        "true",
        "require",
        "verify-full",
        "standby",
        "a,b",
        "a:1,b:2",
        "99999",
    )
)


@settings(max_examples=400, deadline=None, database=None)
@given(st.lists(st.tuples(OPTIONS, VALUES), min_size=1, max_size=3))
def test_options_that_no_connection_takes_are_refused(
    probe: Probe, options: list[tuple[str, str]]
) -> None:
    query = "&".join(f"{name}={value}" for name, value in options)

    check(probe(f"postgresql://me:QXZJQXZJ@127.0.0.1:1/shop?{query}"), "QXZJQXZJ")


REFUSED = ("postgresql://me:QXZJ/shop", "postgresql://me:a@QXZJ@db/s", "postgresql://me@db?QXZJ=1")


@pytest.mark.parametrize("command", ["python -m app", "alembic upgrade head", "make migrate"])
@pytest.mark.parametrize("url", REFUSED)
def test_a_command_refuses_a_url_in_one_line(
    installed: Path, machine: dict[str, str], command: str, url: str
) -> None:
    path = f"{installed}/.venv/bin:{machine['PATH']}"
    refused = subprocess.run(
        command.split(),
        cwd=installed,
        env={**machine, "PATH": path, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )

    output = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "QXZJ" not in output
    (line,) = [line for line in output.splitlines() if "DATABASE_URL" in line]
    assert "must look like" in line or "option" in line


def test_readiness_shows_no_password(installed: Path, tmp_path: Path) -> None:
    url = "postgresql://127.0.0.1:1/shop?user=me&password=QXZJ-QXZJ-QXZJ"

    with serving(installed, installed, tmp_path / "log", url, until="/livez") as service:
        answer = service.get("/readyz")

        assert answer.status == 503
        assert "QXZJ" not in str(answer) + str(service.log())
