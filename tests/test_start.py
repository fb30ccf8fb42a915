"""Without its database the service lives, is not ready, says so once, and mends itself."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.served import Service, ask, serving

pytestmark = pytest.mark.heavy

ABSENCE = 10.0
"""Seconds without a database."""

PASSWORD = "a-good-password-that-is-not-the-one"  # noqa: S105 - it opens nothing


def news(service: Service) -> list[dict[str, Any]]:
    """What the log tells beside requests and uvicorn's own start."""
    return [
        line
        for line in service.log()
        if line["event"] != "request" and "uvicorn" not in line["logger"]
    ]


def statuses(service: Service) -> tuple[int, int]:
    return service.get("/livez").status, service.get("/readyz").status


def is_ready_within(service: Service, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if service.get("/readyz").status == 200:
            return True
        time.sleep(0.05)
    return False


def test_a_database_that_comes_late_is_waited_for(
    installed: Path, database: str, temporary: Path, tmp_path: Path
) -> None:
    (socket_folder,) = parse_qs(urlsplit(database).query)["host"]
    late = temporary / "socket"
    url = database.replace(socket_folder, str(late))

    with serving(installed, installed, tmp_path / "log", url, until="/livez") as service:
        deadline = time.monotonic() + ABSENCE
        while time.monotonic() < deadline:
            assert statuses(service) == (200, 503)
            time.sleep(0.2)
        late.symlink_to(socket_folder)

        assert is_ready_within(service, seconds=1)

        absent, present = news(service)
    assert (absent["event"], absent["cause"]) == ("not_ready", "FileNotFoundError")
    assert present["event"] == "ready"


def require_password(installed: Path, url: str) -> str:
    """Let the server ask a role for its password in this database; return the role's URL."""
    name = urlsplit(url).path.removeprefix("/")
    ((file, rules),) = ask(
        installed,
        url,
        "SELECT setting, pg_read_file(setting) FROM pg_settings WHERE name = 'hba_file'",
    )
    all_rules = f"local {name} postgres trust\nlocal {name} all scram-sha-256\n{rules}"
    lines = "string_to_array('{}', E'\\n')".format(all_rules.replace("'", "''"))
    ask(
        installed,
        url,
        # By the server: the file is its own user's, and its name as seen from there.
        f"COPY (SELECT * FROM unnest({lines})) TO '{file}'",  # noqa: S608 - of our own making
        f"CREATE ROLE {name} LOGIN PASSWORD 'another'",
        f"GRANT SELECT ON alembic_version TO {name}",
        "SELECT pg_reload_conf()",
    )
    return url.replace("postgres@", f"{name}:{PASSWORD}@")


def test_a_wrong_password_is_said_once_and_never_shown(
    installed: Path, database: str, tmp_path: Path
) -> None:
    url = require_password(installed, database)
    name = urlsplit(database).path.removeprefix("/")

    with serving(installed, installed, tmp_path / "log", url, until="/livez") as service:
        for _ in range(10):
            assert statuses(service) == (200, 503)
        ask(installed, database, f"ALTER ROLE {name} PASSWORD '{PASSWORD}'")

        assert is_ready_within(service, seconds=1)

        wrong, right = news(service)
    assert (wrong["event"], wrong["cause"]) == ("not_ready", "InvalidPasswordError")
    assert right["event"] == "ready"
    assert PASSWORD not in str(service.log())
    ask(installed, database, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
