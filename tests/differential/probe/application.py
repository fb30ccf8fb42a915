"""WebSockets, mounted applications, middleware and dependencies."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from sqlalchemy import func, select, text
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.db import CurrentDatabase, ReadSession, Session
from app.core.errors import ConflictError
from app.core.http.exception_handlers import add_exception_handlers
from app.core.http.middleware.timeout import Timeout
from app.features.probe.models import Note
from app.features.probe.scenario import router, scenario

COUNT = select(func.count()).select_from(Note)


@scenario("SOCKET a b a", socket=True)
async def socket_writes_each_message(socket: WebSocket, database: CurrentDatabase) -> None:
    await socket.accept()
    async for name in socket.iter_text():
        async with database.transaction() as session:
            session.add(Note(name=name))
            await session.flush()
            await socket.send_text(str(await session.scalar(COUNT)))


@scenario("SOCKET a b", socket=True)
async def socket_reads_each_message(socket: WebSocket, database: CurrentDatabase) -> None:
    await socket.accept()
    async for _ in socket.iter_text():
        async with database.read() as session:
            await socket.send_text(str(await session.scalar(COUNT)))


@scenario("SOCKET a", socket=True)
async def socket_raises(socket: WebSocket, database: CurrentDatabase) -> None:
    await socket.accept()
    async with database.transaction() as session:
        session.add(Note(name=await socket.receive_text()))
        await session.flush()
        raise ZeroDivisionError


class Counter:
    """A dependency that is a class."""

    def __init__(self, session: Session, step: int = 1) -> None:
        self.session = session
        self.step = step

    async def count(self) -> int:
        self.session.add(Note(name=f"step {self.step}"))
        return await self.session.scalar(COUNT) or 0


@scenario("POST ?step=3")
async def dependency_is_a_class(counter: Annotated[Counter, Depends()]) -> int:
    return await counter.count()


async def writes_after(session: Session) -> AsyncGenerator[str]:
    yield "before"
    session.add(Note(name="after"))


@scenario()
async def dependency_writes_after_the_route(
    when: Annotated[str, Depends(writes_after, scope="function")],
) -> str:
    return when


@scenario()
async def request_dependency_writes_after_the_response(
    database: CurrentDatabase, when: Annotated[str, Depends(lambda: "before")]
) -> str:
    async with database.transaction() as session:
        session.add(Note(name=when))
    return when


async def raises_after(session: Session) -> AsyncGenerator[None]:
    yield
    session.add(Note(name="after"))
    await session.flush()
    raise ConflictError("after the route")


@scenario()
async def dependency_raises_after_the_route(
    _: Annotated[None, Depends(raises_after, scope="function")], session: Session
) -> None:
    session.add(Note(name="route"))


async def user(reading: ReadSession) -> int:
    return await reading.scalar(COUNT) or 0


@scenario("POST", "POST")
async def dependency_reads_and_the_route_writes(
    found: Annotated[int, Depends(user)], session: Session
) -> int:
    session.add(Note(name=str(found)))
    return found


@scenario("POST ")
def route_is_not_async(database: CurrentDatabase) -> str:
    return type(database).__name__ and "sync"


@scenario()
def route_is_not_async_and_uses_a_session(session: Session) -> str:
    session.add(Note(name="a"))
    return "added"


@scenario()
async def state_of_the_lifespan(request: Request) -> list[str]:
    database: Any = request.state.database
    async with database.transaction() as session:
        session.add(Note(name="a"))
    return sorted({"database", "settings"} & request.state._state.keys())


@scenario("POST /inner/notes", "POST /inner/notes", "GET /inner/notes")
async def mounted_application() -> None: ...


@scenario("POST /deep/notes", "GET /deep/notes", "POST /probe/deep/notes")
async def application_mounted_in_a_router() -> None: ...


inner = FastAPI()
add_exception_handlers(inner)


@inner.post("/notes")
async def add_note(session: Session) -> str:
    session.add(Note(name="of the inner application"))
    return "added"


@inner.get("/notes")
async def list_notes(session: ReadSession) -> list[str]:
    return list(await session.scalars(select(Note.name)))


quick_router = APIRouter()


@quick_router.post("/late")
async def late(session: Session) -> None:
    session.add(Note(name="late"))
    await session.flush()
    await asyncio.sleep(5)


@quick_router.post("/late_in_a_statement")
async def late_in_a_statement(session: Session) -> None:
    session.add(Note(name="late"))
    await session.execute(text("SELECT pg_sleep(5)"))


@quick_router.post("/early")
async def early(session: Session) -> None:
    session.add(Note(name="early"))


quick = FastAPI()
add_exception_handlers(quick)
quick.include_router(quick_router)
router.mount("/deep", inner)


class CountRequests:
    """A middleware that writes with the database of the lifespan."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/probe/middleware_writes":
            async with scope["state"]["database"].transaction() as session:
                session.add(Note(name="by the middleware"))
        await self.app(scope, receive, send)


@scenario()
async def middleware_writes(session: Session) -> list[str]:
    session.add(Note(name="by the route"))
    return list(await session.scalars(select(Note.name).order_by(Note.name)))


@scenario("POST /counted/notes", "POST /counted/notes")
async def function_middleware_reads() -> None: ...


counted = FastAPI()
add_exception_handlers(counted)


@counted.post("/notes")
async def add_counted(request: Request, session: Session) -> int:
    session.add(Note(name=f"number {request.state.count}"))
    return request.state.count


@counted.middleware("http")
async def count(request: Request, following: Any) -> Any:
    async with request.state.database.read() as session:
        request.state.count = await session.scalar(COUNT)
    return await following(request)


def extend(app: FastAPI) -> None:
    """Do what a developer adds to create_app."""
    app.mount("/inner", inner)
    app.mount("/quick", Timeout(quick, seconds=0.3, send_seconds=5))
    app.mount("/counted", counted)
    app.add_middleware(CountRequests)
