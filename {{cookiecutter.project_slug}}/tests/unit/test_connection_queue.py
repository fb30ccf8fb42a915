"""The queue in front of the connection pool."""

import asyncio

import pytest

from app.core.db.connection_queue import ConnectionQueue
from app.core.db.scope import Block, acting, open_block, request_scope
from app.core.db.sqlstate import BusyError


async def use(queue: ConnectionQueue, block: Block, until: asyncio.Event | None = None) -> None:
    await queue.acquire(block)
    if until:
        await until.wait()
    queue.release(block)


async def test_places_are_given_in_the_order_of_arrival() -> None:
    queue, order, done = ConnectionQueue(1, timeout=5), [], asyncio.Event()

    async def request(number: int) -> None:
        with open_block("a transaction") as block:
            await queue.acquire(block)
            order.append(number)
            await done.wait()
            queue.release(block)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(request(number))
        await asyncio.sleep(0)
        done.set()

    assert order == [0, 1, 2, 3, 4]


async def test_request_that_waits_too_long_is_rejected() -> None:
    queue = ConnectionQueue(1, timeout=0.01)
    await queue.acquire(Block("the holder"))

    with pytest.raises(BusyError):
        async with asyncio.timeout(1):
            await queue.acquire(Block("a request"))


async def test_cancelled_request_leaves_the_queue() -> None:
    queue, holder = ConnectionQueue(1, timeout=5), Block("the holder")
    await queue.acquire(holder)
    waiting = asyncio.ensure_future(queue.acquire(Block("cancelled")))
    await asyncio.sleep(0)

    waiting.cancel()
    queue.release(holder)

    async with asyncio.timeout(1):
        await queue.acquire(Block("the next"))


async def test_place_that_comes_with_the_cancellation_is_passed_on() -> None:
    queue, holder = ConnectionQueue(1, timeout=5), Block("the holder")
    await queue.acquire(holder)
    waiting = asyncio.ensure_future(queue.acquire(Block("cancelled")))
    await asyncio.sleep(0)

    queue.release(holder)
    waiting.cancel()
    await asyncio.sleep(0)

    async with asyncio.timeout(1):
        await queue.acquire(Block("the next"))


async def test_sessions_of_one_request_share_a_place() -> None:
    queue = ConnectionQueue(1, timeout=5)

    async with asyncio.timeout(1):
        with request_scope("GET /"), open_block("auth") as auth, open_block("route") as route:
            await use(queue, auth)
            await use(queue, route)
            await use(queue, auth)

    assert queue.try_acquire(Block("the next"))


async def test_place_is_given_up_while_no_connection_is_held() -> None:
    queue = ConnectionQueue(1, timeout=5)

    with request_scope("GET /"), open_block("auth") as auth:
        await use(queue, auth)
        assert queue.try_acquire(Block("another request"))


async def test_request_that_comes_back_goes_before_new_ones() -> None:
    queue, holder, order = ConnectionQueue(1, timeout=5), Block("the holder"), []
    begun, new = Block("begun"), Block("new")
    await use(queue, begun)
    await queue.acquire(holder)

    async def note(block: Block) -> None:
        await use(queue, block)
        order.append(block.name)

    async with asyncio.TaskGroup() as group:
        group.create_task(note(new))
        group.create_task(note(begun))
        await asyncio.sleep(0)
        queue.release(holder)

    assert order == ["begun", "new"]


async def test_block_inside_a_holder_gets_a_second_connection() -> None:
    queue = ConnectionQueue(1, timeout=5)

    async with asyncio.timeout(1):
        with open_block("outer") as outer, open_block("inner") as inner:
            await queue.acquire(outer)
            await use(queue, inner)
            await use(queue, inner)
            queue.release(outer)

    assert queue.try_acquire(Block("the next"))


async def test_session_of_an_outer_block_gets_a_second_connection() -> None:
    queue = ConnectionQueue(1, timeout=5)

    async with asyncio.timeout(1):
        with open_block("outer") as outer, open_block("inner") as inner:
            await queue.acquire(inner)
            with acting(outer):
                await use(queue, outer)
            queue.release(inner)


async def test_parallel_blocks_of_a_request_wait_for_each_other() -> None:
    queue, held, most = ConnectionQueue(2, timeout=5), 0, 0

    async def read() -> None:
        nonlocal held, most
        with open_block("a read") as block:
            await queue.acquire(block)
            held += 1
            most = max(most, held)
            await asyncio.sleep(0)
            held -= 1
            queue.release(block)

    with request_scope("GET /"):
        await asyncio.gather(*(read() for _ in range(5)))

    assert most == 1


async def test_tasks_that_outlive_their_request_have_places_of_their_own() -> None:
    queue, ended, both = ConnectionQueue(2, timeout=0.1), asyncio.Event(), asyncio.Barrier(2)

    async def later() -> None:
        await ended.wait()
        with open_block("a task") as block:
            await queue.acquire(block)
            await both.wait()
            queue.release(block)

    async with asyncio.TaskGroup() as group:
        with request_scope("GET /"):
            tasks = [group.create_task(later()) for _ in range(2)]
        ended.set()

    assert all(task.done() for task in tasks)


async def test_parallel_block_that_waits_too_long_is_rejected() -> None:
    queue, release = ConnectionQueue(2, timeout=0.01), asyncio.Event()

    async def hold() -> None:
        with open_block("first") as block:
            await use(queue, block, release)

    with request_scope("GET /"):
        holding = asyncio.create_task(hold())
        await asyncio.sleep(0)
        with open_block("second") as block, pytest.raises(BusyError):
            await queue.acquire(block)
        release.set()
        await holding
