"""Behind a real PgBouncer in transaction mode, as the docs tell users to set it up."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.served import Service, ask, free_port, send, serving

pytestmark = pytest.mark.heavy

SERVERS = 3
"""Connections that PgBouncer has to PostgreSQL, for many more clients."""

CLIENTS = 20

CONFIGURATION = """
[databases]
{name} = host={socket} dbname={name} user=live_service

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {servers}
max_client_conn = 200
pidfile = {folder}/pid
logfile = {folder}/log
"""

ROLE = (
    # What the docs say: PgBouncer does not hand settings of a connection on.
    "DO $$ BEGIN CREATE ROLE live_service LOGIN; EXCEPTION WHEN duplicate_object THEN END $$",
    "ALTER ROLE live_service SET statement_timeout = '10s'",
    "GRANT ALL ON ALL TABLES IN SCHEMA public TO live_service",
)


@pytest.fixture
def pooled(installed: Path, database: str, temporary: Path) -> Generator[str]:
    """URL of the database by way of PgBouncer."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    # Not skipped: a test that nobody runs would say that the promise is kept.
    assert program is not None, (
        "install PgBouncer: apt-get install pgbouncer, or brew install pgbouncer"
    )
    ask(installed, database, *ROLE)
    url, port = urlsplit(database), free_port()
    name = url.path.removeprefix("/")
    (temporary / "ini").write_text(
        CONFIGURATION.format(
            name=name,
            socket=parse_qs(url.query)["host"][0],
            port=port,
            folder=temporary,
            servers=SERVERS,
        )
    )
    as_user = ["--user=nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    with subprocess.Popen([program, "--quiet", *as_user, temporary / "ini"]) as process:
        try:
            yield f"postgresql://live_service@127.0.0.1:{port}/{name}"
        finally:
            process.terminate()


Answers = Counter[tuple[str, int]]


def use(service: Service, prefix: str) -> Answers:
    """Do what a client does, and count what it is answered."""
    answers: Answers = Counter()

    def ask_for(method: str, path: str, body: object = None) -> str:
        with closing(service.connect()) as connection:
            answer = send(connection, method, path, body)
        answers[method, answer.status] += 1
        return answer.headers.get("location", "/products")

    for number in range(10):
        location = ask_for("POST", "/products", {"name": f"{prefix} {number}"})
        ask_for("GET", location)
        ask_for("PATCH", location, {"description": "changed"})
        ask_for("GET", "/products")
    return answers


def use_two_processes(project: Path, installed: Path, url: str, folder: Path) -> Answers:
    """Let twenty clients use two processes of the service, which share the servers."""
    settings = {"until": "/livez", "DATABASE_POOLER": "transaction"}
    with (
        serving(project, installed, folder / "first", url, **settings) as first,
        serving(project, installed, folder / "second", url, **settings) as second,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        lives = [first, second] * (CLIENTS // 2)
        counts = pool.map(use, lives, [f"client {number}" for number in range(CLIENTS)])
        return sum(counts, Counter())


def test_transactions_and_reads_share_servers_without_an_error(
    installed: Path, database: str, pooled: str, tmp_path: Path
) -> None:
    answers = use_two_processes(installed, installed, pooled, tmp_path)

    assert answers == {("POST", 201): 200, ("GET", 200): 400, ("PATCH", 200): 200}
    assert ask(installed, database, "SELECT count(*) FROM products") == [[200]]


def test_the_deadlines_of_the_role_hold(installed: Path, pooled: str) -> None:
    """PgBouncer hands none of a connection on, so the docs put them there."""
    assert ask(installed, pooled, "SHOW statement_timeout") == [["10s"]]


def without(project: Path, argument: str) -> None:
    """Take one line out of what the setting does."""
    module = project / "app/core/db/pgbouncer.py"
    line = f'        "{argument}":'
    lines = module.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [other for other in lines if not other.startswith(line)]
    assert len(kept) == len(lines) - 1
    module.write_text("".join(kept), encoding="utf-8")


@pytest.mark.parametrize("argument", ["statement_cache_size", "server_settings"])
def test_without_a_part_of_the_setting_requests_fail(
    installed: Path, workshop: Path, pooled: str, tmp_path: Path, argument: str
) -> None:
    without(workshop, argument)

    answers = use_two_processes(workshop, installed, pooled, tmp_path)

    assert any(status >= 500 for _, status in answers), answers


@pytest.mark.parametrize(("kept", "status"), [(False, 500), (True, 200)])
def test_only_a_description_that_is_kept_is_believed_after_a_migration(
    installed: Path,
    workshop: Path,
    database: str,
    pooled: str,
    tmp_path: Path,
    kept: bool,
    status: int,
) -> None:
    if kept:
        without(workshop, "prepared_statement_cache_size")
    settings = {"DATABASE_POOLER": "transaction", "DATABASE_POOL_SIZE": "1"}

    with serving(workshop, installed, tmp_path / "log", pooled, **settings) as service:
        with closing(service.connect()) as connection:
            location = send(connection, "POST", "/products", {"name": "lamp"}).headers["location"]
        before = service.get(location)
        # A number has no place in the answer; its bytes, read as text, are "aaaa".
        change = f"ALTER TABLE products ALTER COLUMN description TYPE integer USING {0x61616161}"
        ask(installed, database, change)
        after = service.get(location)

    assert (before.status, after.status) == (200, status)
    assert (b"aaaa" in after.body) == kept
