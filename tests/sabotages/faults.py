"""What the service promises when its database, its network or its clients fail."""

from tests.sabotages.sabotage import Sabotage

DATABASE = "app/core/db/database.py"
CONNECTIONS = "app/core/db/connection_health.py"
FAULTS = "app/core/db/sqlstate.py"
ADMISSION = "app/core/db/connection_queue.py"
DEADLINE = "app/core/http/middleware/timeout.py"
RETRY = "app/core/db/retry.py"
IN_CONNECTIONS = "tests/integration/test_connections.py"
IN_FAULTS = "tests/integration/test_faults.py"
IN_DEADLINE = "tests/integration/test_deadline.py"
IN_RETRY = "tests/integration/test_retry.py"
IN_ADMISSION = "tests/unit/test_admission.py"
END_TO_END = "tests/e2e/test_products_faults.py"

EACH_STATUS = f"{IN_FAULTS}::test_each_error_of_postgresql_has_its_status"

SABOTAGES = [
    Sabotage(
        "an error is known by its SQLSTATE",
        FAULTS,
        "for length in (5, 3, 2):",
        "for length in (5, 3):",
        EACH_STATUS,
    ),
    Sabotage(
        "what waits too long for a lock is unavailable",
        FAULTS,
        '    "55P03": CONTENDED,  # lock timeout\n',
        "",
        "tests/integration/test_errors.py::test_what_waits_too_long_for_a_lock_is_unavailable",
    ),
    Sabotage(
        "what may not be repeated is not called unavailable",
        FAULTS,
        'UNKNOWN = Fault(HTTPStatus.GATEWAY_TIMEOUT, "',
        'UNKNOWN = Fault(HTTPStatus.SERVICE_UNAVAILABLE, "',
        f"{IN_FAULTS}::test_nobody_is_told_to_repeat_what_may_have_been_done",
    ),
    Sabotage(
        "a fault is logged without its text",
        "app/core/http/exception_handlers.py",
        "        cause=type(error).__name__,\n        sqlstate",
        "        cause=repr(error),\n        sqlstate",
        EACH_STATUS,
    ),
    Sabotage(
        "a database that is not there is unavailable",
        CONNECTIONS,
        "        raise CannotConnectError(error) from error\n",
        "        raise\n",
        f"{IN_FAULTS}::test_a_database_that_is_not_there_is_unavailable",
    ),
    Sabotage(
        "a server that does not answer is too late",
        CONNECTIONS,
        "    if isinstance(error, OSError):  # TimeoutError is one\n",
        "    if isinstance(error, ConnectionError):\n",
        f"{IN_FAULTS}::test_a_server_that_does_not_answer_is_too_late",
    ),
    Sabotage(
        "a connection that was closed is replaced",
        CONNECTIONS,
        "connection.driver_connection.is_closed() or (doubtful and not _answers(connection))",
        "not connection",
        f"{IN_CONNECTIONS}::test_a_connection_that_rested_and_is_silent_is_replaced",
    ),
    Sabotage(
        "no request pays for a ping",
        CONNECTIONS,
        "rested < max(self._doubted_at, monotonic() - self._trusted)",
        "rested < monotonic()",
        f"{IN_CONNECTIONS}::test_a_connection_in_use_is_not_asked_whether_it_is_alive",
    ),
    Sabotage(
        "what a unit of work begins with is sent again",
        CONNECTIONS,
        '            "do_execute": self._execute,\n',
        "",
        f"{IN_CONNECTIONS}::test_what_a_unit_of_work_begins_with_is_sent_again",
    ),
    Sabotage(
        "a stale statement is prepared anew",
        CONNECTIONS,
        "_is_lost(proxy, error) or isinstance(error, STALE)",
        "_is_lost(proxy, error)",
        f"{IN_CONNECTIONS}::test_a_migration_beneath_a_prepared_statement_is_not_noticed",
    ),
    Sabotage(
        "what comes later is not sent again",
        CONNECTIONS,
        "    if proxy.driver_connection.is_in_transaction():\n        return False\n",
        "",
        f"{IN_CONNECTIONS}::test_what_comes_later_is_not_sent_again",
    ),
    Sabotage(
        "what may write at once is not sent again",
        CONNECTIONS,
        "    return only_reads or not proxy.dbapi_connection.autocommit\n",
        "    return bool(proxy)\n",
        f"{IN_CONNECTIONS}::test_what_may_write_at_once_is_not_sent_again",
    ),
    Sabotage(
        "the outcome of a commit that got lost is unknown",
        DATABASE,
        "            with _unknown_if_lost():\n                await session.commit()\n",
        "            await session.commit()\n",
        f"{IN_CONNECTIONS}::test_a_commit_is_not_sent_again_and_its_outcome_is_unknown",
    ),
    Sabotage(
        "places are given in order",
        ADMISSION,
        "            _, turn = self._queue.popleft()\n            if not turn.done():  # else",
        "            _, turn = self._queue.pop()\n            if not turn.done():  # else",
        f"{IN_ADMISSION}::test_places_are_given_in_the_order",
    ),
    Sabotage(
        "nobody waits for ever",
        ADMISSION,
        "            self._timer = loop.call_at(deadline, self._turn_away)\n",
        "            self._timer = None\n",
        f"{IN_ADMISSION}::test_who_waits_too_long_is_turned_away",
    ),
    Sabotage(
        "who waits for the pool stands in a queue",
        DATABASE,
        "yield Database.over(engine, replica, admit=admit, admit_read=admit_read)",
        "yield Database.over(engine, replica if admit is admit_read else replica)",
        "tests/integration/test_errors.py::test_a_pool_without_a_connection_left_is_unavailable",
    ),
    Sabotage(
        "a request has a deadline",
        "app/main.py",
        "    app.add_middleware(Deadline, seconds=settings.request_timeout)\n",
        "",
        f"{IN_DEADLINE}::test_a_statement_that_is_cut_short_stops",
    ),
    Sabotage(
        "a response that has begun may take its time",
        DEADLINE,
        "                deadline.reschedule(None)  # a response that has begun may take its time\n",
        "",
        f"{IN_DEADLINE}::test_a_response_that_has_begun_may_take_its_time",
    ),
    Sabotage(
        "what fails while it is cancelled is too late",
        DEADLINE,
        "            if not deadline.expired():\n                raise\n",
        "            raise\n",
        f"{IN_DEADLINE}::test_what_fails_while_it_is_cancelled_is_too_late",
    ),
    Sabotage(
        "what was refused is done again",
        RETRY,
        'REFUSED = ("40001", "40P01")',
        'REFUSED = ("40001",)',
        f"{IN_RETRY}::test_what_was_refused_is_done_again_and_once",
    ),
    Sabotage(
        "another error is not tried again",
        RETRY,
        "            if sqlstate(error.orig) not in REFUSED:\n                raise\n",
        "            del error\n",
        f"{IN_RETRY}::test_another_error_is_not_tried_again",
    ),
    Sabotage(
        "one round trip reads a product",
        DATABASE,
        'engine).execution_options(isolation_level="AUTOCOMMIT")',
        "engine).execution_options()",
        "tests/integration/test_products_round_trips.py::test_one_round_trip_reads_a_product_and_three_change_one",
    ),
    Sabotage(
        "a terminated connection is nobody's error",
        CONNECTIONS,
        "            _replace(proxy)\n",
        "            raise\n",
        f"{END_TO_END}::test_no_request_fails_when_every_idle_connection_was_terminated",
    ),
    Sabotage(
        "a lock is not waited for for long",
        "app/core/db/engine.py",
        '            "lock_timeout": milliseconds(settings.database_lock_timeout),\n',
        "",
        f"{END_TO_END}::test_more_requests_than_connections_are_served_or_turned_away_in_time",
    ),
]
