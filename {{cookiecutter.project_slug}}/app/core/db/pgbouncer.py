"""What a connection must do without when PgBouncer gives it another server for each transaction.

https://www.pgbouncer.org/features.html#sql-feature-map-for-pooling-modes
"""

from typing import Any


def in_transaction_mode(connect_args: dict[str, Any]) -> dict[str, Any]:
    """Change asyncpg's arguments so that nothing has to outlive a transaction, or an autocommit."""
    name = connect_args["server_settings"]["application_name"]
    return connect_args | {
        # asyncpg then gives statements no name, and parses each in the round trip that runs it:
        # it need not be on the server that answered before, in autocommit neither.
        "statement_cache_size": 0,
        # A description that is kept would be believed after a migration, and values read wrongly.
        "prepared_statement_cache_size": 0,
        # PgBouncer refuses others: the deadlines become settings of the role, docs/operating.md.
        "server_settings": {"application_name": name},
    }
