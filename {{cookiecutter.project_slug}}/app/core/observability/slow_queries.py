"""Slow queries: statements that take longer than DATABASE_SLOW_QUERY are in the log."""

from time import perf_counter
from typing import Any

import structlog
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

logger = structlog.get_logger(__name__)

STATEMENT_MAX = 1000
"""Characters of a statement in a log line."""


def log_slow_queries(engine: AsyncEngine, slow: float) -> None:
    """Log each statement that takes longer, in seconds, without its parameters."""

    def begin(
        _: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _m: Any
    ) -> None:
        context.started = perf_counter()

    def end(_: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _m: Any) -> None:
        elapsed = perf_counter() - context.started
        if elapsed >= slow:
            ms = round(elapsed * 1000, 1)
            logger.warning("slow_query", ms=ms, statement=statement[:STATEMENT_MAX])

    def fail(error: ExceptionContext) -> None:
        if hasattr(error.execution_context, "started"):
            end(None, None, error.statement or "", None, error.execution_context, None)

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)
