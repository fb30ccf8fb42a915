"""Runs every scenario in the sandbox, committed and served, and writes what it saw to outcomes.json.

The template's tests copy this module into a baked project; ``clients.py`` and ``probe/`` go with it.
"""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.probe.router import SCENARIOS, Scenario
from app.settings import ROOT
from tests.harness.connection_lock import SandboxError
from tests.harness.databases import Databases, engine_on
from tests.harness.isolated import Isolated, TestSession
from tests.harness.sandbox import Sandbox
from tests.harness.service import Service, running
from tests.integration.clients import Client, InProcess, Log, Served, ServedLog

OUTCOMES: dict[str, dict[str, Any]] = {"sandbox": {}, "committed": {}, "served": {}, "seconds": {}}

ID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)?")

EMPTY = """
DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(relname), ', ')
    || ' RESTART IDENTITY CASCADE' FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND relkind = 'r' AND relname <> 'alembic_version'); END $$
"""

BY_NAME = pytest.mark.parametrize("name", sorted(SCENARIOS))


@pytest.fixture(scope="module", autouse=True)
def _written() -> Generator[None]:
    yield
    (ROOT / "outcomes.json").write_text(json.dumps(OUTCOMES), encoding="utf-8")


@pytest.fixture(scope="module")
async def served(databases: Databases) -> AsyncGenerator[tuple[Service, AsyncSession]]:
    async with (
        databases.clone() as url,
        running(url) as service,
        engine_on(url) as engine,
        TestSession(bind=engine) as session,
    ):
        yield service, session


def normalised(found: Any) -> Any:
    """Give ids names, so that equal ones stay equal; leave times out, and shorten what is long."""
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"<{len(names) + 1}>")

    written = ID.sub(name, TIME.sub("<time>", json.dumps(found, default=str)))
    if len(written) > 5000:
        return f"{len(written)} characters, {hashlib.sha256(written.encode()).hexdigest()[:12]}"
    return json.loads(written)


async def outcome(scenario: Scenario, client: Client, session: AsyncSession, log: Log) -> Any:
    """Do the steps, and return what can be seen of them."""

    async def do(step: str) -> Any:
        if step.startswith("SQL "):
            await session.execute(text(step.removeprefix("SQL ")))
            await session.commit()
            return None
        return await client.do(scenario.path, step)

    with log.capturing() as events:
        answers = []
        for step in scenario.steps:
            several = step if isinstance(step, tuple) else (step,)
            answers.append(sorted(await asyncio.gather(*map(do, several)), key=str))
            answers.append(await client.settle())
    rows = [list(row) for row in await session.execute(text(scenario.rows))]
    await session.commit()
    return normalised({"answers": answers, "rows": rows, "log": sorted(events)})


@BY_NAME
async def test_sandbox(
    name: str, app: FastAPI, client: AsyncClient, database: Isolated, session: AsyncSession
) -> None:
    assert isinstance(database, Sandbox)
    lock, began = database.savepoints.lock, time.monotonic()
    lock._timeout = 0.5  # seconds, for scenarios that wait for what cannot come
    seen: Any = None
    with suppress(SandboxError, DBAPIError):  # there are no rows to see when it refuses to go on
        seen = await outcome(SCENARIOS[name], InProcess(client, app), session, Log())
    assert seen or lock.refused
    refused, lock.refused = lock.refused, None
    OUTCOMES["sandbox"][name] = {"refused": str(refused)} if refused else seen
    OUTCOMES["seconds"][name] = time.monotonic() - began


@pytest.mark.committed
@BY_NAME
async def test_committed(
    name: str, app: FastAPI, client: AsyncClient, session: AsyncSession
) -> None:
    seen = await outcome(SCENARIOS[name], InProcess(client, app), session, Log())
    OUTCOMES["committed"][name] = seen


@BY_NAME
async def test_served(name: str, served: tuple[Service, AsyncSession]) -> None:
    service, session = served
    await session.execute(text(EMPTY))
    await session.commit()
    seen = await outcome(SCENARIOS[name], Served(service), session, ServedLog(service))
    OUTCOMES["served"][name] = seen
    if after := SCENARIOS[name].after:
        await session.execute(text(after))
        await session.commit()
