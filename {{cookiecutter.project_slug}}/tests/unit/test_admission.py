import asyncio

import pytest

from app.core.db.connection_queue import Admission
from app.core.db.sqlstate import BusyError


async def test_places_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    admit = Admission(places=1, patience=5)
    served: list[int] = []

    async def serve(number: int) -> None:
        async with admit:
            served.append(number)
            await asyncio.sleep(0)

    first = [asyncio.create_task(serve(number)) for number in range(3)]
    await asyncio.sleep(0)  # they queue
    late = [asyncio.create_task(serve(number)) for number in range(3, 6)]
    await asyncio.gather(*first, *late)

    assert served == [0, 1, 2, 3, 4, 5]


async def test_who_waits_too_long_is_turned_away_and_takes_no_place() -> None:
    admit = Admission(places=1, patience=0.01)

    async with admit:
        with pytest.raises(BusyError):
            async with admit:
                pytest.fail("There was no place.")
    async with admit:
        pass


async def test_a_place_is_given_back_by_whoever_fails() -> None:
    admit = Admission(places=1, patience=0.01)

    with pytest.raises(RuntimeError):
        async with admit:
            raise RuntimeError

    async with admit:
        pass


async def test_who_gave_up_is_passed_over() -> None:
    admit = Admission(places=1, patience=5)

    async with admit:
        waiter = asyncio.ensure_future(admit.__aenter__())
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter])

    async with asyncio.timeout(1), admit:
        pass
