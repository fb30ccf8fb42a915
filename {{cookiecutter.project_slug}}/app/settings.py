"""Settings from the environment and ``.env``; the project's name and version from pyproject.toml."""

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.database_url import FORM, DatabaseUrl, is_weak

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


def _words(value: object) -> object:
    """Read ``a, b`` as a list: JSON in an environment variable is easily quoted wrongly."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]


class Settings(BaseSettings):
    """One attribute an environment variable, of the same name in capitals: see .env.example."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env",
        env_ignore_empty=True,
        extra="ignore",  # .env also serves compose and other tools
        frozen=True,
        hide_input_in_errors=True,  # a wrong DATABASE_URL holds a right password
    )

    environment: Literal["development", "production"] = "development"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] | None = None
    """For people, or one JSON object a line; unset, ``json`` in production only."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    shutdown_drain: float = Field(default=0, ge=0)
    """Seconds after SIGTERM that new connections are still served, while /readyz says 503."""
    shutdown_grace: int = Field(default=20, ge=1)
    """Seconds that requests in flight get after that; Kubernetes kills 30 after SIGTERM."""

    request_timeout: float = Field(default=15.0, gt=0)
    """Seconds until a request that has not begun to answer is cancelled; what waits for this service
    in turn, a proxy or a shutdown, should wait longer."""

    allowed_hosts: Words = ()
    """Names in the Host header that are served, ``*.example.org`` for all below; ``*`` is any."""
    cors_origins: Words = ()
    """Origins whose pages may call this service from a browser."""
    docs: bool | None = None
    """Serve /docs and /openapi.json; unset, in development only."""
    max_body_size: int = Field(default=1_048_576, ge=0)
    """Bytes of a request's body."""

    database_url: DatabaseUrl | None = None
    database_read_url: DatabaseUrl | None = None
    """A replica, for sessions that only read; unset, they read from ``database_url``."""
    database_pooler: Literal["none", "transaction"] = "none"
    """``transaction``: a PgBouncer in that mode stands between; see docs/operating.md."""
    database_pool_size: int = Field(default=10, ge=1)
    """Connections of this process; all processes together must fit the server's max_connections."""
    database_pool_timeout: float = Field(default=2.0, gt=0)
    """Seconds a request waits for a connection before it is turned away."""
    database_connect_timeout: float = Field(default=5.0, gt=0)
    """Seconds to establish a connection."""
    database_idle_trust: float = Field(default=1.0, ge=0)
    """Seconds a connection may rest and be used again without asking whether it is alive: one that is
    closed says so, and nothing drops one without a word this soon."""
    database_statement_timeout: float | None = Field(default=10.0, gt=0)
    """Seconds the server lets one statement run; migrations have none."""
    database_command_timeout: float = Field(default=12.0, gt=0)
    """Seconds to wait for the server's answer to one statement; its own limit must come first,
    because that leaves the connection usable."""
    database_lock_timeout: float = Field(default=2.0, gt=0)
    """Seconds one statement waits for a lock."""
    database_idle_transaction_timeout: float = Field(default=10.0, gt=0)
    """Seconds a transaction may sit between two statements before the server ends it."""
    database_slow_query: float = Field(default=0.5, gt=0)
    """Seconds from which on a statement is in the log, without its parameters."""

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        if self.environment != "production":
            return self
        for name in ("database_url", "database_read_url"):
            if (url := getattr(self, name)) is not None and is_weak(url):
                raise ValueError(
                    f"{name.upper()}: its password is short, an example or the name of its user or"
                    " database: set another one, for example from `openssl rand -hex 16`"
                )
        return self

    @property
    def logs_json(self) -> bool:
        if self.log_format is None:
            return self.environment == "production"
        return self.log_format == "json"

    @property
    def serves_docs(self) -> bool:
        return self.environment == "development" if self.docs is None else self.docs

    @model_validator(mode="after")
    def _deadlines_fit(self) -> Self:
        """Let the deadline that is nearest to the fault come first: its answer says most."""
        order = (
            "database_lock_timeout",
            "database_statement_timeout",
            "database_command_timeout",
            "request_timeout",
        )
        limits = [(name, limit) for name in order if (limit := getattr(self, name)) is not None]
        for (inner, shorter), (outer, longer) in pairwise(limits):
            if shorter >= longer:
                raise ValueError(
                    f"{outer.upper()} is {longer:g} s: set it to more than {inner.upper()},"
                    f" which is {shorter:g} s"
                )
        return self

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


def explain(error: ValidationError) -> str:
    """Say in one line per setting what is wrong with it, and never its value."""
    lines = []
    for problem in error.errors(include_input=False, include_context=False):
        message = problem["msg"].removeprefix("Value error, ")
        # What concerns more than one setting names them itself.
        name = "_".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"{name}: {message}" if name else message)
    return "\n".join(lines)
