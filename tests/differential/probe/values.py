"""Values, defaults and times."""

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range

from app.core.db import CurrentDatabase, ReadSession, Session
from app.features.probe.models import Colour, Kind, Note
from app.features.probe.scenario import scenario

KINDS = "SELECT colour, tags, data, span, width, version FROM kinds"


@scenario(rows=KINDS)
async def values_of_every_kind(session: Session) -> list[object]:
    kind = Kind(colour=Colour.RED, tags=["a", "b"], data={"a": [1, None]}, span=Range(1, 5))
    session.add(kind)
    await session.flush()
    return [kind.colour, kind.tags, kind.data, str(kind.span), kind.width, kind.version]


@scenario("POST /probe/values_of_every_kind", "POST")
async def values_are_read(session: ReadSession) -> list[object]:
    kind = (await session.scalars(select(Kind))).one()
    return [kind.colour, kind.tags, kind.data, str(kind.span), kind.width]


@scenario("POST /probe/values_of_every_kind", "POST", rows=KINDS)
async def generated_column_after_an_update(session: Session) -> int:
    kind = (await session.scalars(select(Kind))).one()
    kind.span = Range(1, 10)
    await session.flush()
    await session.refresh(kind)
    return kind.width


@scenario()
async def unknown_value_of_an_enum(session: Session) -> None:
    await session.execute(text("SELECT 'green'::colour"))


@scenario()
async def server_default_comes_back(session: Session) -> str:
    session.add(note := Note(name="a"))
    await session.flush()
    return note.body


@scenario()
async def wrong_type_of_a_parameter(session: Session) -> None:
    await session.execute(text("SELECT CAST(:n AS int)"), {"n": "seven"})


@scenario(differs="`clock_timestamp()`, or `@pytest.mark.committed`")
async def now_of_two_transactions(database: CurrentDatabase) -> bool:
    """`now()` in two transactions of a test: the time when the test began."""
    times = []
    for _ in range(2):
        async with database.transaction() as session:
            times.append(await session.scalar(select(func.now())))
    return times[0] == times[1]


@scenario()
async def clock_of_two_transactions(database: CurrentDatabase) -> bool:
    times = []
    for _ in range(2):
        async with database.transaction() as session:
            times.append(await session.scalar(select(func.clock_timestamp())))
    return times[0] == times[1]


@scenario()
async def now_within_a_transaction(session: Session) -> bool:
    return await session.scalar(select(func.now())) == await session.scalar(select(func.now()))


@scenario('POST /products {"name": "a"}', 'POST /products {"name": "a"}', "GET /products")
async def products_of_the_example() -> None: ...
