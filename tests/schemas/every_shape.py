"""Models of a project under test: every way in which tables hang together, and what stands around them."""

import enum
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, func, text
from sqlalchemy.dialects.postgresql import CITEXT, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import CreateView

from app.core.models import Base, Entity


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


LEVEL = sa.Enum(Level, name="level", values_callable=lambda kind: [word.value for word in kind])


NUMBERS = sa.Sequence("order_numbers", start=1000, metadata=Base.metadata)


class Person(Entity):
    """A reference to itself that may be missing, and one that may not."""

    __tablename__ = "people"

    email: Mapped[str] = mapped_column(CITEXT, unique=True)
    boss_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    root_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    level: Mapped[Level] = mapped_column(LEVEL)
    wakes: Mapped[time]
    born: Mapped[date]
    is_active: Mapped[bool] = mapped_column(server_default="true")

    __table_args__ = (
        Index("uq_people_email_active", func.lower(email), unique=True, postgresql_where=is_active),
        Index("ix_people_born", "born", postgresql_include=[is_active]),
        Index(
            "ix_people_email_trgm",
            "email",
            postgresql_using="gin",
            postgresql_ops={"email": "gin_trgm_ops"},
        ),
        {"comment": "who works here; it's theirs"},
    )


class Team(Base):
    """A key of two columns, and a cycle that is checked at the end."""

    __tablename__ = "teams"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant", "lead"],
            ["members.tenant", "members.number"],
            deferrable=True,
            initially="DEFERRED",
            name="fk_teams_lead_members",
        ),
    )

    tenant: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lead: Mapped[int]
    level: Mapped[Level] = mapped_column(LEVEL, server_default="low")


class Member(Base):
    __tablename__ = "members"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant", "team"],
            ["teams.tenant", "teams.number"],
            deferrable=True,
            initially="DEFERRED",
            name="fk_members_team_teams",
        ),
    )

    tenant: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    team: Mapped[int]


class Task(Base):
    """A second reference to the same tenant, and a cycle of columns that may be empty."""

    __tablename__ = "tasks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant", "team"], ["teams.tenant", "teams.number"], name="fk_tasks_team"
        ),
        ForeignKeyConstraint(
            ["tenant", "member"], ["members.tenant", "members.number"], name="fk_tasks_member"
        ),
    )

    id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
    tenant: Mapped[int]
    team: Mapped[int]
    member: Mapped[int]
    last_note_id: Mapped[int | None] = mapped_column(
        ForeignKey("notes.id", use_alter=True, name="fk_tasks_last_note_id_notes")
    )
    hours: Mapped[Decimal] = mapped_column(sa.Numeric(6, 2))
    pay: Mapped[Decimal] = mapped_column(
        sa.Numeric(12, 2), sa.Computed("hours * 12", persisted=True)
    )
    label: Mapped[str] = mapped_column(sa.Computed("upper(hours::text)", persisted=False))


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)  # bigserial
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))


class Order(Entity):
    """Checks whose rows can be guessed."""

    __tablename__ = "orders"
    __table_args__ = (
        sa.CheckConstraint("status IN ('open', 'it''s done')", name="status"),
        sa.CheckConstraint("length(country) = 2 AND country = upper(country)", name="country"),
        sa.CheckConstraint("starts_at < ends_at", name="times"),
        sa.CheckConstraint("num_nonnulls(person_id, room_id) = 1", name="owner"),
        sa.CheckConstraint("discount BETWEEN 5 AND 90 AND discount < price", name="discount"),
        sa.CheckConstraint("email LIKE '%@%'", name="email"),
    )

    status: Mapped[str]
    country: Mapped[str]
    email: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("rooms.id"))
    price: Mapped[int]
    discount: Mapped[int]
    number: Mapped[int] = mapped_column(NUMBERS, server_default=NUMBERS.next_value())
    code: Mapped[str] = mapped_column(server_default=text("new_code()"))
    mood: Mapped[str] = mapped_column(sa.CHAR(3))


class Declared(Entity):
    """A check whose row has to be declared."""

    __tablename__ = "declared"
    __table_args__ = (sa.CheckConstraint("md5(word) LIKE '5d4140%'", name="word"),)

    word: Mapped[str]


class Room(Entity):
    __tablename__ = "rooms"

    name: Mapped[str] = mapped_column(CITEXT, unique=True, comment="as it is called, \\ and %")


class Stay(Entity):
    __tablename__ = "stays"

    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    lasts: Mapped[timedelta]

    __table_args__ = (
        ExcludeConstraint(("room_id", "="), ("during", "&&"), using="gist", name="ex_stays_room"),
        Index(None, "room_id"),
    )


class Entry(Entity):
    """A second schema, with a type of its own, and a reference to the first."""

    __tablename__ = "entries"
    __table_args__ = ({"schema": "audit"},)

    what: Mapped[str]
    level: Mapped[Level] = mapped_column(sa.Enum(Level, name="grade", schema="audit"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("audit.entries.id"))


class Ticket(Base):
    """The default schema by its name."""

    __tablename__ = "tickets"
    __table_args__ = ({"schema": "public"},)

    id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[Level] = mapped_column(sa.Enum(Level, name="urgency", schema="public"))
    after_id: Mapped[int | None] = mapped_column(ForeignKey("public.tickets.id"))


class Measure(Base):
    """A table in partitions, which migrations make."""

    __tablename__ = "measures"
    __table_args__ = ({"postgresql_partition_by": "RANGE (taken_at)"},)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(server_default=func.now(), primary_key=True)
    value: Mapped[float]


class Region(Base):
    __tablename__ = "regions"
    __table_args__ = ({"postgresql_partition_by": "LIST (country)"},)

    country: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


OLDER = CreateView(
    sa.select(Person.__table__.c.id).where(Person.__table__.c.born < date(1990, 1, 1)),
    "older_people",
    metadata=Base.metadata,
)
