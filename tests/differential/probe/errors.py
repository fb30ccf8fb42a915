"""Errors that are raised, returned and caught."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, HTTPException, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.db import CurrentDatabase, Session
from app.core.errors import ConflictError, NotFoundError, UnavailableError
from app.features.probe.models import Note
from app.features.probe.scenario import scenario


@scenario()
async def domain_error_after_a_write(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    raise NotFoundError("b")


@scenario()
async def unavailable_after_a_write(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    raise UnavailableError("The other service is not available.")


@scenario()
async def http_exception_after_a_write(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    raise HTTPException(HTTPStatus.PAYMENT_REQUIRED, {"reason": "no money"})


@scenario()
async def bug_after_a_write(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    raise ZeroDivisionError


@scenario()
async def error_response_is_returned(session: Session) -> JSONResponse:
    session.add(Note(name="a"))
    return JSONResponse({"detail": "no"}, HTTPStatus.CONFLICT)


@scenario()
async def error_status_is_set(session: Session, response: Response) -> str:
    session.add(Note(name="a"))
    response.status_code = HTTPStatus.CONFLICT
    return "no"


@scenario(status_code=HTTPStatus.CONFLICT)
async def error_status_is_declared(session: Session) -> str:
    session.add(Note(name="a"))
    return "no"


@scenario()
async def error_response_after_a_transaction(database: CurrentDatabase) -> JSONResponse:
    async with database.transaction() as session:
        session.add(Note(name="a"))
    return JSONResponse({"detail": "no"}, HTTPStatus.CONFLICT)


@scenario()
async def redirect_is_returned(session: Session) -> Response:
    session.add(Note(name="a"))
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": "/"})


@scenario()
async def violation_is_caught(session: Session) -> str:
    session.add(Note(name="first"))
    await session.flush()
    try:
        await session.execute(text("INSERT INTO notes (name) VALUES ('first')"))
    except IntegrityError:
        return "caught"
    return "inserted"


@scenario()
async def violation_of_a_flush_is_caught(session: Session) -> str:
    session.add_all([Note(name="a"), Note(name="a")])
    try:
        await session.flush()
    except IntegrityError:
        return "caught"
    return "inserted"


@scenario()
async def violation_is_caught_in_a_savepoint(session: Session) -> str:
    session.add(Note(name="first"))
    await session.flush()
    try:
        async with session.begin_nested():
            session.add(Note(name="first"))
    except IntegrityError:
        session.add(Note(name="second"))
        return "caught"
    return "inserted"


@scenario()
async def violation_is_caught_and_the_session_rolls_back(session: Session) -> str:
    session.add(Note(name="first"))
    await session.flush()
    try:
        await session.execute(text("INSERT INTO notes (name) VALUES ('first')"))
    except IntegrityError:
        await session.rollback()
        session.add(Note(name="second"))
    return "caught"


@scenario()
async def query_after_a_caught_violation(session: Session) -> list[str]:
    session.add(Note(name="first"))
    await session.flush()
    try:
        await session.execute(text("INSERT INTO notes (name) VALUES ('first')"))
    except IntegrityError:
        return list(await session.scalars(select(Note.name)))
    return []


@scenario()
async def session_rolls_back_and_goes_on(session: Session) -> None:
    session.add(Note(name="first"))
    await session.flush()
    await session.rollback()
    session.add(Note(name="second"))


@scenario()
async def session_rolls_back_and_ends(session: Session) -> str:
    session.add(Note(name="first"))
    await session.flush()
    await session.rollback()
    return "rolled back"


@scenario()
async def violation_becomes_a_domain_error(session: Session) -> None:
    session.add_all([Note(name="a"), Note(name="a")])
    try:
        await session.flush()
    except IntegrityError as error:
        raise ConflictError("taken") from error


class Body(BaseModel):
    count: int


async def writes(session: Session) -> None:
    session.add(Note(name="by the dependency"))
    await session.flush()


@scenario('POST  {"count": "many"}')
async def validation_fails_after_a_dependency_has_written(
    _: Annotated[None, Depends(writes)], body: Body
) -> int:
    return body.count


@scenario(response_model=Body)
async def response_is_not_valid(session: Session) -> dict[str, str]:
    session.add(Note(name="a"))
    return {"count": "many"}


@scenario()
async def division_by_zero(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    await session.execute(text("SELECT 1 / 0"))


@scenario()
async def unknown_table(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    await session.execute(text("SELECT * FROM missing"))


@scenario()
async def error_in_the_middle_of_a_stream(session: Session) -> list[int]:
    query = text("SELECT 1 / (50 - n) FROM generate_series(1, 100) n").execution_options(
        yield_per=10
    )
    return [number async for number in await session.stream_scalars(query)]


@scenario()
async def error_at_commit_after_an_early_one_is_caught(database: CurrentDatabase) -> str:
    try:
        async with database.transaction() as session:
            session.add_all([Note(name="a"), Note(name="a")])
    except IntegrityError:
        async with database.transaction() as again:
            again.add(Note(name="b"))
    return "again"


@scenario()
async def text_too_long_for_its_type(session: Session) -> None:
    await session.execute(text("SELECT 'abc'::varchar(1), CAST('x' AS int)"))


@scenario()
async def nul_character(session: Session) -> None:
    session.add(Note(name="a\0b"))


@scenario()
async def number_out_of_range(session: Session) -> None:
    session.add(Note(id=2**70, name="a"))


@scenario()
async def statement_is_no_sql(session: Session) -> str:
    try:
        await session.execute(text("SELEKT 1"))
    except DBAPIError as error:
        return type(error.orig).__name__
    return ""
