"""Settings from the environment and ``.env``; the project's name and version from pyproject.toml."""

import inspect
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

import asyncpg
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).parents[2]

DATABASE_URL_FORM = "postgresql://user:password@host:5432/name"


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


def _for_asyncpg(value: SecretStr) -> SecretStr:
    """Accept the URL as hosting providers write it, and make it the one that SQLAlchemy needs."""
    try:
        url = make_url(value.get_secret_value())
    except ArgumentError:
        raise ValueError(f"must look like {DATABASE_URL_FORM}") from None
    if url.drivername not in ("postgresql", "postgres", "postgresql+asyncpg"):
        raise ValueError(f"must look like {DATABASE_URL_FORM}")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")  # libpq's word and asyncpg's; the values are the same
    query.pop("channel_binding", None)  # asyncpg decides by itself
    if unknown := query.keys() - inspect.signature(asyncpg.connect).parameters.keys():
        raise ValueError(f"has options that asyncpg does not know: {', '.join(sorted(unknown))}")
    url = url.set(drivername="postgresql+asyncpg", query=query)
    return SecretStr(url.render_as_string(hide_password=False))


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

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    shutdown_grace: int = Field(default=20, ge=1)
    """Seconds that requests in flight get after SIGTERM; Kubernetes kills after 30."""

    request_timeout: float = Field(default=15.0, gt=0)
    """Seconds until a request that has not begun to answer is cancelled; what waits for this service
    in turn, a proxy or a shutdown, should wait longer."""

    database_url: Annotated[SecretStr, AfterValidator(_for_asyncpg)] | None = None
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
            raise MissingSettingError(f"DATABASE_URL is not set: set it to {DATABASE_URL_FORM}")
        return self.database_url.get_secret_value()


def explain(error: ValidationError) -> str:
    """Say in one line per setting what is wrong with it, and never its value."""
    return "\n".join(
        ": ".join(filter(None, ("_".join(str(part) for part in problem["loc"]).upper(), said)))
        for problem in error.errors(include_input=False, include_context=False)
        if (said := problem["msg"].removeprefix("Value error, "))
    )
