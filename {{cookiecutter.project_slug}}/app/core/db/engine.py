"""Engines: the way to PostgreSQL, with a deadline on everything that waits."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.core.db.aborted import DriverConnection
from app.core.db.connection_health import ConnectionHealth
from app.core.db.pgbouncer import in_transaction_mode
from app.core.db.pool import ConnectionPool
from app.core.observability.telemetry import observe
from app.settings import Settings, project


def create_engine(settings: Settings, *, url: str | None = None, **pool: Any) -> AsyncEngine:
    """Make an engine, with a deadline for everything that waits; it connects on first use.

    ``pool`` holds SQLAlchemy's own arguments for its pool; ``url`` is another than DATABASE_URL.
    """

    def milliseconds(seconds: float | None) -> str:
        return str(round((seconds or 0) * 1000))  # to PostgreSQL, 0 is no limit

    statement_timeout = settings.database_statement_timeout

    connect_args: dict[str, Any] = {
        "connection_class": DriverConnection,
        "timeout": settings.database_connect_timeout,
        # The server's own deadline comes first, and leaves the connection usable.
        "command_timeout": statement_timeout and settings.database_command_timeout,
        "server_settings": {
            "application_name": project.name,
            "statement_timeout": milliseconds(statement_timeout),
            "lock_timeout": milliseconds(settings.database_lock_timeout),
            "idle_in_transaction_session_timeout": milliseconds(
                settings.database_idle_transaction_timeout
            ),
            # A statement whose client is gone, and could not say so, stops.
            "client_connection_check_interval": "1000",
        },
    }
    if settings.database_pooler == "transaction":
        connect_args = in_transaction_mode(connect_args)
    engine = create_async_engine(
        url or settings.require_database_url(),
        hide_parameters=True,  # in errors and logs: they are the users' data
        **pool,
        connect_args=connect_args,
    )
    is_pooled = pool.get("poolclass") is ConnectionPool
    health = ConnectionHealth(
        settings.database_idle_trust,
        is_pooled=is_pooled,
        switches_mode=is_pooled and settings.database_pooler == "none",
    )
    health.attach(engine)
    return engine


def read_options(settings: Settings) -> dict[str, Any]:
    """Return the execution options of reads.

    A pooler in transaction mode forgets that a connection is read-only: there, a read is a transaction.
    """
    if settings.database_pooler == "transaction":
        return {"postgresql_readonly": True}
    return {"isolation_level": "AUTOCOMMIT"}


@asynccontextmanager
async def open_engine(settings: Settings, *, url: str | None = None) -> AsyncGenerator[AsyncEngine]:
    """Own an engine with the service's pool for as long as the block runs."""
    engine = create_engine(
        settings,
        url=url,
        poolclass=ConnectionPool,
        pool_size=settings.database_pool_size,
        pool_timeout=settings.database_pool_timeout,
    )
    observe(engine, settings.database_slow_query)
    try:
        yield engine
    finally:
        await engine.dispose()
