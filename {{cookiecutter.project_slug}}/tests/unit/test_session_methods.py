"""The methods of SQLAlchemy's session: for each that a release adds, decide what it may do."""

import inspect

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.sessions import BlockSession
from tests.harness.sandbox import OwnSession

RUN_STATEMENTS = {
    *("connection", "delete", "delete_all", "execute", "flush", "get", "get_one", "merge"),
    *("merge_all", "refresh", "run_sync", "scalar", "scalars", "stream", "stream_scalars"),
}
ENDINGS = {"aclose", "close", "commit", "invalidate", "reset", "rollback"}


METHODS = dict(inspect.getmembers(AsyncSession, inspect.iscoroutinefunction))
del METHODS["close_all"]  # of all sessions


def wrapped(session: type[AsyncSession]) -> set[str]:
    return {name for name, method in METHODS.items() if getattr(session, name) != method}


def test_every_method_of_a_session_is_known() -> None:
    public = {name for name in METHODS if not name.startswith("_")}

    assert public == RUN_STATEMENTS | ENDINGS


def test_every_method_that_runs_statements_is_wrapped() -> None:
    assert wrapped(BlockSession) == RUN_STATEMENTS | ENDINGS - {"rollback"}
    assert wrapped(OwnSession) == RUN_STATEMENTS | ENDINGS | {"__aexit__"}
