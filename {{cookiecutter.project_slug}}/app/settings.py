"""Settings from the environment and ``.env``; the project's name and version from pyproject.toml."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from fastapi import Depends
from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.requests import HTTPConnection

from app.database_url import FORM, DatabaseUrl
from app.setting_conflicts import CONFLICTS
from app.setting_types import (
    AllowedHosts,
    BindAddress,
    CorsOrigins,
    Lower,
    Seconds,
    SecondsOrZero,
    Upper,
    WholeSeconds,
)

ROOT = Path(__file__).parents[1]


class MissingSettingError(Exception):
    """A setting that this command cannot do without; the message says how to set it."""


class Project(BaseModel):
    """``[project]`` of pyproject.toml: the one source of these three."""

    name: str
    version: str
    description: str


project = Project.model_validate(
    tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
)


class Settings(BaseSettings):
    """One attribute an environment variable, of the same name in capitals: see .env.example."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env",
        env_ignore_empty=True,
        extra="ignore",  # .env also serves compose and other tools
        frozen=True,
        hide_input_in_errors=True,  # a wrong DATABASE_URL holds a right password
    )

    environment: Annotated[Literal["development", "production"], Lower] = "development"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Upper] = "INFO"
    log_format: Annotated[Literal["console", "json"] | None, Lower] = None
    """For people, or one JSON object a line; unset, ``json`` in production only."""

    host: BindAddress = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    shutdown_drain: SecondsOrZero = 0
    """Seconds after SIGTERM that new connections are still served, while /readyz says 503."""
    shutdown_grace: WholeSeconds = 20
    """Seconds that requests in flight get after that; Kubernetes kills 30 after SIGTERM."""

    request_timeout: Seconds = 15.0
    """Seconds until a request that has not begun to answer is cancelled; a proxy and a shutdown wait
    longer."""

    send_timeout: Seconds = 10.0
    """Seconds a client may take for 64 KiB of an answer, or one message of a WebSocket."""
    keep_alive: WholeSeconds = 80
    """Seconds an unused connection stays open: longer than a proxy in front keeps its own."""
    max_connections: int = Field(default=2000, ge=1)
    """Clients that are connected to this process; a request of one more is answered 503."""
    websocket_ping: Seconds = 20.0
    """Seconds between two pings to an open WebSocket, and until the pong."""
    root_path: str = Field(default="", pattern=r"^(/[A-Za-z0-9._~-]+)*$")
    """Prefix of the addresses that a proxy in front serves, such as ``/api``; it may remove it."""

    allowed_hosts: AllowedHosts = ()
    """Names in the Host header that are served, ``*.example.org`` for all below; ``*`` is any."""
    cors_origins: CorsOrigins = ()
    """Origins whose pages may call this service from a browser."""
    docs: bool | None = None
    """Serve /docs and /openapi.json; unset, in development only."""
    max_body_size: int = Field(default=1_048_576, ge=0)
    """Bytes of a request's body, and of one message of a WebSocket."""

    database_url: DatabaseUrl | None = None
    database_read_url: DatabaseUrl | None = None
    """A replica, for sessions that only read; unset, they read from ``database_url``."""
    database_pooler: Annotated[Literal["none", "transaction"], Lower] = "none"
    """``transaction``: a PgBouncer in that mode stands between; see docs/operating.md."""
    database_pool_size: int = Field(default=10, ge=1, le=262_143)
    """Connections of this process; all processes together must fit the server's max_connections."""
    database_pool_timeout: Seconds = 2.0
    """Seconds a request waits for a connection before it is turned away."""
    database_connect_timeout: Seconds = 5.0
    """Seconds to establish a connection."""
    database_idle_trust: SecondsOrZero = 1.0
    """Seconds a connection may rest and be used again without asking whether it is alive: one that is
    closed says so, and nothing drops one without a word this soon."""
    database_statement_timeout: Seconds | None = 10.0
    """Seconds the server lets one statement run; migrations have none."""
    database_command_timeout: Seconds = 12.0
    """Seconds to wait for the server's answer to one statement; its own limit must come first,
    because that leaves the connection usable."""
    database_lock_timeout: Seconds = 2.0
    """Seconds one statement waits for a lock."""
    database_idle_transaction_timeout: Seconds = 10.0
    """Seconds a transaction may sit between two statements before the server ends it."""
    database_slow_query: Seconds = 0.5
    """Seconds from which on a statement is in the log, without its parameters."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        for conflict in CONFLICTS:
            if found := conflict(self):
                raise ValueError(found)
        return self

    @property
    def logs_json(self) -> bool:
        if self.log_format is None:
            return self.environment == "production"
        return self.log_format == "json"

    @property
    def serves_docs(self) -> bool:
        return self.environment == "development" if self.docs is None else self.docs

    def require_database_url(self) -> str:
        """Return the URL with its password, or raise ``MissingSettingError``."""
        if self.database_url is None:
            raise MissingSettingError(f"DATABASE_URL is not set: set it to {FORM}")
        return self.database_url.get_secret_value()

    def require_allowed_hosts(self) -> tuple[str, ...]:
        """Return the names to answer to: in development any, if none is set."""
        if not self.allowed_hosts and self.environment == "development":
            return ("*",)
        if not self.allowed_hosts:
            raise MissingSettingError(
                "ALLOWED_HOSTS is not set: name the hosts that clients ask for, such as"
                " api.example.org, or * behind a proxy that knows them"
            )
        return self.allowed_hosts


async def get_settings(connection: HTTPConnection) -> Settings:
    """Return the application's settings."""
    # From the lifespan's state, which a mounted application sees too.
    settings: Settings = connection.state.settings
    return settings


CurrentSettings = Annotated[Settings, Depends(get_settings)]
"""The settings, for a route or dependency that asks for them."""


def explain(error: ValidationError) -> str:
    """Say in one line per setting what is wrong with it, and never its value."""
    lines = []
    for problem in error.errors(include_input=False, include_context=False):
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "bool_parsing":
            message = "must be true or false"
        # What concerns more than one setting names them itself.
        name = str(problem["loc"][0]).upper() if problem["loc"] else ""
        lines.append(f"{name}: {message}" if name else message)
    return "\n".join(lines)
