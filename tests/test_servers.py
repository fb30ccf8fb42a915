"""The servers that TEST_DATABASE_URL may name: the suite is green there, or one line says why not."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from tests.made_servers import older_server
from tests.served import ask, free_port, wait_until
from tests.workshop import run_tests

pytestmark = pytest.mark.heavy

DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname"


def as_role(server: str, role: str, password: str = "") -> str:
    """Return the server's URL for another role."""
    return server.replace("//postgres@", f"//{role}:{password}@" if password else f"//{role}@")


@pytest.fixture
def role(installed: Path, server: str) -> Generator[str]:
    """A role that may do nothing but connect."""
    name = f"tester_{uuid4().hex[:12]}"
    ask(installed, server, f"CREATE ROLE {name} LOGIN")
    yield name
    drop_all_of(installed, server, name)


def drop_all_of(installed: Path, server: str, role: str) -> None:
    made = "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) ="
    for (name,) in ask(installed, server, f"{made} '{role}'"):
        ask(installed, server, f"ALTER DATABASE {name} IS_TEMPLATE false")
        ask(installed, server, f"DROP DATABASE {name} WITH (FORCE)")
    ask(installed, server, f"DROP ROLE {role}")


def assert_refused(result: subprocess.CompletedProcess[str], said: str) -> None:
    """The run has ended before its first test, and one line says why."""
    assert result.returncode == 1, result.stdout
    assert not re.search(r"\d+ (passed|failed|skipped|error)", result.stdout), result.stdout
    [line] = [line for line in result.stdout.splitlines() if line.startswith("!")]
    assert said in line
    assert "Traceback" not in result.stdout + result.stderr


def test_a_role_that_may_create_databases_is_enough(
    workshop: Path, installed: Path, server: str, role: str
) -> None:
    ask(installed, server, f"ALTER ROLE {role} CREATEDB")
    # Templates of another role are there, and cannot be used.
    assert run_tests(workshop, installed, server, "-m", "smoke").returncode == 0
    before = ask(installed, server, DATABASES)

    result = run_tests(workshop, installed, as_role(server, role))

    assert result.returncode == 0, result.stdout
    assert ask(installed, server, DATABASES) == before


def test_a_password_is_sent_as_the_server_asks_for_it(
    workshop: Path, installed: Path, server: str, role: str
) -> None:
    ask(installed, server, f"ALTER ROLE {role} CREATEDB PASSWORD 'p@ss word'")
    rules = installed / ".data/test/data/pg_hba.conf"
    trusted = rules.read_text(encoding="utf-8")
    rules.write_text(f"local all {role} scram-sha-256\n{trusted}", encoding="utf-8")
    ask(installed, server, "SELECT pg_reload_conf()")

    right = run_tests(workshop, installed, as_role(server, role, "p%40ss%20word"))
    wrong = run_tests(workshop, installed, as_role(server, role, "p%40ss"))

    rules.write_text(trusted, encoding="utf-8")
    ask(installed, server, "SELECT pg_reload_conf()")
    assert right.returncode == 0, right.stdout
    assert_refused(wrong, "password authentication failed")
    assert "p@ss" not in wrong.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("NOCREATEDB", 'its role may not create databases. Run ALTER ROLE "{role}" CREATEDB.'),
        ("CREATEDB CONNECTION LIMIT 3", "3 connections are free, and tests need"),
        ("CREATEDB SET default_transaction_read_only = on", "it is read-only."),
        ("NOLOGIN", "is not permitted to log in"),
    ],
    ids=lambda value: value if value.isupper() else "",
)
def test_a_role_that_is_not_enough_is_one_line(
    change: str, said: str, workshop: Path, installed: Path, server: str, role: str
) -> None:
    for part in re.split(r" (?=SET)", change):
        ask(installed, server, f"ALTER ROLE {role} {part}")
    before = ask(installed, server, DATABASES)

    result = run_tests(workshop, installed, as_role(server, role))

    assert_refused(result, said.format(role=role))
    assert ask(installed, server, DATABASES) == before


@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
def test_a_pooler_is_one_line(
    mode: str, workshop: Path, installed: Path, server: str, temporary: Path
) -> None:
    with pooler(server, temporary, mode) as url:
        result = run_tests(workshop, installed, url)

    assert_refused(result, "it is a connection pooler. Name the PostgreSQL server behind it")


@contextmanager
def pooler(server: str, folder: Path, mode: str) -> Generator[str]:
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "install PgBouncer: apt-get install pgbouncer"
    port, socket = free_port(), parse_qs(urlsplit(server).query)["host"][0]
    (folder / "ini").write_text(
        f"[databases]\n* = host={socket} user=postgres\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {mode}\nlogfile = {folder}/log\n"
    )
    as_user = ["--user=nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([program, "--quiet", *as_user, folder / "ini"]) as process:
        log = folder / "log"
        wait_until(lambda: log.exists() and "process up" in log.read_text(), "PgBouncer")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()


def test_an_older_server_is_one_line_and_keeps_nothing(
    workshop: Path, installed: Path, temporary: Path
) -> None:
    with older_server(temporary) as url:
        result = run_tests(workshop, installed, url)

        assert_refused(result, "PostgreSQL 18 or newer is needed")
        assert ask(installed, url, DATABASES) == [["postgres"]]


def test_a_replica_is_one_line(workshop: Path, installed: Path, temporary: Path) -> None:
    with older_server(temporary, before_start="touch standby.signal") as url:
        result = run_tests(workshop, installed, url)

    assert_refused(result, "it is read-only. Name the primary of a replica")


CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -days 2"
    " -keyout server.key -out server.crt 2>/dev/null; chmod 600 server.key;"
    " echo 'hostssl all all 127.0.0.1/32 trust' > pg_hba.conf"
)


def test_a_server_that_demands_tls_is_reached(
    workshop: Path, installed: Path, temporary: Path
) -> None:
    with older_server(temporary, "ssl=on", before_start=CERTIFICATE) as url:
        with_tls = run_tests(workshop, installed, f"{url}?sslmode=require")
        without = run_tests(workshop, installed, f"{url}?sslmode=disable")

    assert_refused(with_tls, "PostgreSQL 18 or newer is needed")  # its version was read
    assert_refused(without, "no pg_hba.conf entry")


def test_a_server_with_few_connections_is_one_line(
    workshop: Path, installed: Path, temporary: Path
) -> None:
    with older_server(temporary, "max_connections=8") as url:
        result = run_tests(workshop, installed, url)

    assert_refused(result, "connections are free, and tests need")


BUSY_TEMPLATE = """
import asyncio, asyncpg, sys
async def hold(url):
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    print("connected", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await connection.close()
asyncio.run(hold(sys.argv[1]))
"""


def test_what_was_done_to_template1_does_not_matter(
    workshop: Path, installed: Path, server: str
) -> None:
    template1 = server.replace("/postgres?", "/template1?")
    ask(installed, template1, "CREATE TABLE products (of_another_kind int)")
    (workshop / "migrations/like_no_other").write_text(str(uuid4()))
    holder = [installed / ".venv/bin/python", "-c", BUSY_TEMPLATE, template1]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        result = run_tests(workshop, installed, server, "-m", "smoke")

        process.communicate()
    ask(installed, template1, "DROP TABLE products")
    assert result.returncode == 0, result.stdout


def test_runs_that_begin_on_different_databases_share_a_template(
    workshop: Path, installed: Path, server: str
) -> None:
    (workshop / "migrations/like_no_other").write_text(str(uuid4()))
    ask(installed, server, "CREATE DATABASE of_tests_test")
    urls = [server, server.replace("/postgres?", "/of_tests_test?")]
    codes: list[int] = []

    def run(url: str) -> None:
        codes.append(run_tests(workshop, installed, url, "-m", "smoke").returncode)

    runs = [threading.Thread(target=run, args=[url]) for url in urls]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()

    ask(installed, server, "DROP DATABASE of_tests_test")
    assert codes == [0, 0]
