"""What a connection must do without when PgBouncer gives it another server for each transaction.

https://www.pgbouncer.org/features.html#sql-feature-map-for-pooling-modes
"""

from typing import Any


def _unnamed() -> str:
    return ""


def in_transaction_mode(connect_args: dict[str, Any]) -> dict[str, Any]:
    """Change asyncpg's arguments so that nothing has to outlive a transaction, or an autocommit."""
    name = connect_args["server_settings"]["application_name"]
    return connect_args | {
        # Neither SQLAlchemy nor asyncpg may find a statement that another server has parsed. One
        # without a name is parsed anew in the round trip that runs it, and leaves nothing behind.
        "prepared_statement_cache_size": 0,
        "statement_cache_size": 0,
        "prepared_statement_name_func": _unnamed,
        # PgBouncer refuses others: the deadlines become settings of the role, docs/operating.md.
        "server_settings": {"application_name": name},
    }
