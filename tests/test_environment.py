"""A developer's configuration does not reach the suite, whatever it is and wherever it stands."""

import json
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.answers import ANSWERS
from tests.conftest import Result, Run
from tools.bake import bake

SETTINGS = """
import json
from pydantic_settings import BaseSettings
from app.main import create_app
from app.settings import Settings

create_app(Settings(_env_file=None))  # imports the features
classes, found = [BaseSettings], {}
while classes:
    each = classes.pop()
    classes += each.__subclasses__()
    if each.__module__.startswith("app."):
        found |= each.model_fields
print(json.dumps([name.upper() for name in found]))
"""
"""Names every setting of the project, of whatever class."""

LIBPQ = """
    PGAPPNAME PGCHANNELBINDING PGCLIENTENCODING PGCONNECT_TIMEOUT PGDATA PGDATABASE PGDATESTYLE PGGEQO
    PGGSSDELEGATION PGGSSENCMODE PGGSSLIB PGHOST PGHOSTADDR PGKRBSRVNAME PGLOADBALANCEHOSTS
    PGLOCALEDIR PGMAXPROTOCOLVERSION PGMINPROTOCOLVERSION PGOPTIONS PGPASSFILE PGPASSWORD PGPORT
    PGREQUIREAUTH PGREQUIREPEER PGREQUIRESSL PGSERVICE PGSERVICEFILE PGSSLCERT PGSSLCERTMODE
    PGSSLCOMPRESSION PGSSLCRL PGSSLCRLDIR PGSSLKEY PGSSLMAXPROTOCOLVERSION PGSSLMINPROTOCOLVERSION
    PGSSLMODE PGSSLNEGOTIATION PGSSLROOTCERT PGSSLSNI PGSYSCONFDIR PGTARGETSESSIONATTRS PGTZ PGUSER
"""
"""https://www.postgresql.org/docs/current/libpq-envars.html"""

OF_LIBRARIES = """
    ALL_PROXY BASE_URL FORWARDED_ALLOW_IPS HTTPS_PROXY HTTP_PROXY OTEL_EXPORTER_OTLP_ENDPOINT
    OTEL_METRICS_EXPORTER OTEL_PROPAGATORS OTEL_PYTHON_CONTEXT OTEL_PYTHON_TRACER_PROVIDER
    OTEL_RESOURCE_ATTRIBUTES OTEL_SDK_DISABLED OTEL_TRACES_SAMPLER SSLKEYLOGFILE SSL_CERT_DIR
    SSL_CERT_FILE UV_PROJECT_ENVIRONMENT VIRTUAL_ENV WEB_CONCURRENCY all_proxy http_proxy
"""

OF_A_TERMINAL = {
    "COLUMNS": "20",
    "LINES": "3",
    "NO_COLOR": "1",
    "FORCE_COLOR": "1",
    "TERM": "dumb",
    "TZ": "Asia/Kathmandu",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "xx_XX",
    "LANGUAGE": "de",
}

OF_PYTHON = {
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONDEVMODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "ascii",
    "PYTHONPATH": "/nowhere",
    "PYTHONSAFEPATH": "1",
    "PYTHONUTF8": "0",
    "PYTHONWARNINGS": "error",
}

MEANT_OTHERWISE = {
    "ENVIRONMENT": "production",
    "LOG_LEVEL": "ERROR",
    "LOG_FORMAT": "console",
    "DOCS": "false",
    "ALLOWED_HOSTS": "api.example.org",
    "CORS_ORIGINS": "https://a.example",
    "PORT": "1",
    "DATABASE_URL": "postgresql://db.example/live",
    "DATABASE_READ_URL": "postgresql://b/live",
    "SHUTDOWN_DRAIN": "5",
    "REQUEST_TIMEOUT": "0.2",
    "MAX_BODY_SIZE": "1",
    "OTEL_SDK_DISABLED": "true",
    "OTEL_TRACES_SAMPLER": "always_off",
    "PGPORT": "6543",
    "PGHOST": "db.example",
    "PGSSLMODE": "require",
    "PGTARGETSESSIONATTRS": "read-only",
    "PGSSLNEGOTIATION": "direct",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "SSL_CERT_FILE": "/no",
}
"""Values that would be accepted, and are not those of the suite."""


@pytest.fixture(scope="session")
def hostile(installed: Path) -> dict[str, str]:
    """Every setting of the project and every variable of its libraries, with a senseless value."""
    command = [installed / ".venv/bin/python", "-c", SETTINGS]
    result = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=True)
    settings = json.loads(result.stdout)
    assert {"LOG_LEVEL", "DATABASE_URL"} <= set(settings)
    return dict.fromkeys([*settings, *LIBPQ.split(), *OF_LIBRARIES.split()], "hostile")


def run_suite(installed: Path, workshop: Path, **environment: str) -> None:
    """Run it on the server that it starts itself; it must be green."""
    result = subprocess.run(
        [installed / ".venv/bin/python", "-m", "pytest", "-q"],
        cwd=workshop,
        env={"PATH": os.defpath, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=200,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.heavy
def test_no_variable_of_the_shell_reaches_the_suite(
    installed: Path, workshop: Path, hostile: dict[str, str], home: Path
) -> None:
    (home / ".pgpass").write_text("*:*:*:*:wrong\n", encoding="utf-8")
    (home / ".pgpass").chmod(0o644)  # asyncpg warns of it

    run_suite(installed, workshop, **hostile, **OF_A_TERMINAL, **OF_PYTHON, HOME=str(home))


@pytest.mark.heavy
def test_no_value_that_is_valid_reaches_the_suite(installed: Path, workshop: Path) -> None:
    run_suite(installed, workshop, **MEANT_OTHERWISE)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["senseless", "valid"])
def test_no_line_of_an_env_file_reaches_the_suite(
    kind: str, installed: Path, workshop: Path, hostile: dict[str, str]
) -> None:
    values = hostile if kind == "senseless" else MEANT_OTHERWISE
    lines = [f"{name}={value}\n" for name, value in values.items()]
    (workshop / ".env").write_text("".join(lines), encoding="utf-8")

    run_suite(installed, workshop)


HOSTILE_TO_MAKE = {
    "UV_PROJECT_ENVIRONMENT": "/nowhere/x",
    "UV_PROJECT": "/nowhere",
    "UV_NO_DEV": "1",
    "UV_WORKING_DIR": "/nowhere",
    "UV_NO_GROUP": "test",
    "UV_NO_DEFAULT_GROUPS": "1",
    "VIRTUAL_ENV": "/nowhere",
    "PIP_USER": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PYTHONOPTIMIZE": "2",
    "PYTHONHOME": "/nowhere",
    "PYTHONWARNDEFAULTENCODING": "1",
    **OF_PYTHON,
}


@pytest.mark.heavy
@pytest.mark.parametrize("place", ["alone", "a member of a workspace"])
def test_make_installs_and_runs_in_the_environment_of_the_project(
    place: str, template: Path, tmp_path: Path, run: Run
) -> None:
    project = bake(template, tmp_path, ANSWERS["defaults"])
    if place != "alone":
        workspace = f'[tool.uv.workspace]\nmembers = ["{project.name}"]\n'
        (tmp_path / "pyproject.toml").write_text(workspace, encoding="utf-8")

    for target in ("test-unit", "lint", "types", "migrate", "smoke"):
        result = run("make", target, cwd=project, **HOSTILE_TO_MAKE)
        assert result.returncode == 0, target + result.stdout + result.stderr

    assert (project / ".venv/bin/pytest").exists()


@pytest.fixture
def make(installed: Path, workshop: Path, machine: dict[str, str], run: Run) -> Run:
    """Run a target of a project that is installed."""
    (workshop / ".venv").symlink_to(installed / ".venv")
    path = f"{installed}/.cache/uv/bin:{machine['PATH']}"

    def make(*arguments: str, **variables: str) -> Result:
        return run("make", *arguments, cwd=workshop, PATH=path, **variables)

    return make


@pytest.mark.parametrize("target", ["migrate", "seed", "psql"])
def test_the_development_database_does_not_depend_on_libpq(target: str, make: Run) -> None:
    arguments = ["args=-c 'SELECT 1'"] if target == "psql" else []

    result = make(target, *arguments, **dict.fromkeys(LIBPQ.split(), "hostile"))

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("variable", ["PGPORT", "PGSSLMODE", "PGTARGETSESSIONATTRS", "PGHOST"])
def test_a_variable_of_libpq_for_a_given_database_is_one_line(variable: str, make: Run) -> None:
    url = "postgresql://me@/live" if variable == "PGHOST" else "postgresql://me@127.0.0.1/live"

    result = make("migrate", DATABASE_URL=url, **{variable: "no.such.host"})

    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    assert "cannot be used: " in result.stdout + result.stderr


@contextmanager
def deployed() -> Generator[tuple[str, list[str]]]:
    """Serve, and give the URL and what was asked so far."""
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(f"{handler.command} {handler.path}")
        handler.send_response(404)
        handler.end_headers()

    methods = dict.fromkeys(["do_GET", "do_POST", "do_PUT", "do_PATCH", "do_DELETE"], answer)
    handler = type("Handler", (BaseHTTPRequestHandler,), {**methods, "log_message": print_nothing})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def print_nothing(*_: object) -> None: ...


def test_only_make_smoke_speaks_to_a_deployed_service(make: Run) -> None:
    with deployed() as (url, asked):
        plain = make("test-e2e", "args=tests/e2e/test_products.py", BASE_URL=url)
        asked_by_plain = [*asked]
        smoke = make("smoke", f"BASE_URL={url}")

    assert plain.returncode == 0, plain.stdout
    assert asked_by_plain == []
    assert smoke.returncode != 0  # this one answers 404
    assert sorted(asked) == ["GET /livez", "GET /no-such-page"]
