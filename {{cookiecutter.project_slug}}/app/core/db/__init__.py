"""PostgreSQL for features: sessions, and the `Database` that commits them."""

from app.core.db.database import (
    CurrentDatabase,
    Database,
    ReadSession,
    Session,
    get_database,
)

__all__ = ["CurrentDatabase", "Database", "ReadSession", "Session", "get_database"]
