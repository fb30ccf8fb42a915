"""A model of a view, which a revision written by hand makes."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import CITEXT

from app.core.models import Base


class ActivePerson(Base):
    """A view that a migration makes, mapped as a table."""

    __table__ = sa.Table(
        "active_people",
        Base.metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("email", CITEXT),
    )
