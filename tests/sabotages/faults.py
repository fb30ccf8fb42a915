"""What the service promises when its database, its network or its clients fail."""

from tests.sabotages.sabotage import Sabotage

DATABASE = "app/core/db/database.py"
CONNECTIONS = "app/core/db/connection_health.py"
FAULTS = "app/core/db/sqlstate.py"
QUEUE = "app/core/db/connection_queue.py"
TIMEOUT = "app/core/http/middleware/timeout.py"
RETRY = "app/core/db/retry.py"
IN_CONNECTIONS = "tests/integration/test_connections.py"
IN_FAULTS = "tests/integration/test_faults.py"
IN_TIMEOUT = "tests/integration/test_timeout.py"
IN_RETRY = "tests/integration/test_retry.py"
IN_QUEUE = "tests/unit/test_connection_queue.py"
END_TO_END = "tests/e2e/test_products_faults.py"

EACH_STATUS = f"{IN_FAULTS}::test_each_error_has_its_status_wherever_it_arises"

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
        '    "55P03": CONFLICTING_TRANSACTION,  # lock timeout\n',
        "",
        "tests/integration/test_errors.py::test_what_waits_too_long_for_a_lock_is_unavailable",
    ),
    Sabotage(
        "what may not be repeated is not called unavailable",
        FAULTS,
        'UNKNOWN = ErrorResponse(HTTPStatus.GATEWAY_TIMEOUT, "',
        'UNKNOWN = ErrorResponse(HTTPStatus.SERVICE_UNAVAILABLE, "',
        f"{IN_FAULTS}::test_nobody_is_told_to_repeat_what_may_have_been_done",
    ),
    Sabotage(
        "a fault is logged without its text",
        "app/core/http/exception_handlers.py",
        "        cause=type(cause).__name__,\n        sqlstate",
        "        cause=repr(cause),\n        sqlstate",
        EACH_STATUS,
    ),
    Sabotage(
        "a database that is not there is unavailable",
        FAULTS,
        "isinstance(error, PoolTimeoutError | CannotConnectError)",
        "isinstance(error, PoolTimeoutError)",
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
        "an idle connection that does not answer is replaced",
        CONNECTIONS,
        'is_suspect and not _answers(connection, "SELECT")',
        "is_suspect and not connection",
        f"{IN_CONNECTIONS}::test_a_connection_that_rested_and_is_silent_is_replaced",
    ),
    Sabotage(
        "no request pays for a ping",
        CONNECTIONS,
        "idle_since < max(self._suspect_before, monotonic() - self._ping_after_idle)",
        "idle_since < monotonic()",
        f"{IN_CONNECTIONS}::test_a_connection_in_use_is_not_asked_whether_it_is_alive",
    ),
    Sabotage(
        "a BEGIN is sent again",
        CONNECTIONS,
        "            self._replace(proxy)\n            driver = proxy.driver_connection\n",
        "            raise\n",
        f"{IN_CONNECTIONS}::test_a_connection_that_was_closed_is_replaced",
    ),
    Sabotage(
        "a read is sent again",
        CONNECTIONS,
        "(isinstance(error, STALE) or (reads and _is_lost(proxy, error)))",
        "isinstance(error, STALE)",
        f"{IN_CONNECTIONS}::test_read_is_sent_again_on_a_new_connection",
    ),
    Sabotage(
        "a new connection has the isolation of the transaction",
        CONNECTIONS,
        "        new.isolation_level, new.readonly, new.deferrable = options\n",
        "        del options\n",
        f"{IN_CONNECTIONS}::test_replaced_connection_keeps_the_options_of_its_transaction",
    ),
    Sabotage(
        "the isolation of a transaction ends with it on a new connection too",
        CONNECTIONS,
        "        record.finalize_callback.extend(at_checkin)\n",
        "        del at_checkin\n",
        f"{IN_CONNECTIONS}::test_replaced_connection_keeps_the_options_of_its_transaction",
    ),
    Sabotage(
        "a stale statement is prepared again",
        CONNECTIONS,
        "isinstance(error, STALE) or (",
        "(",
        f"{IN_CONNECTIONS}::test_a_migration_beneath_a_prepared_statement_is_not_noticed",
    ),
    Sabotage(
        "what comes later is not sent again",
        CONNECTIONS,
        "        reads = _is_read(proxy)\n",
        "        reads = True\n",
        f"{IN_CONNECTIONS}::test_what_comes_later_is_not_sent_again",
    ),
    Sabotage(
        "the outcome of a commit that got lost is unknown",
        DATABASE,
        "            with _unknown_if_lost():\n",
        "            if session:\n",
        f"{IN_CONNECTIONS}::test_a_commit_is_not_sent_again_and_its_outcome_is_unknown",
    ),
    Sabotage(
        "places are given in order",
        QUEUE,
        "                _, _, place = waiting.popleft()\n                if not place.done():  # else",
        "                _, _, place = waiting.pop()\n                if not place.done():  # else",
        f"{IN_QUEUE}::test_places_are_given_in_the_order",
    ),
    Sabotage(
        "no request waits for ever",
        QUEUE,
        "            self._timer = loop.call_at(deadline, self._reject)\n",
        "            self._timer = None\n",
        f"{IN_QUEUE}::test_request_that_waits_too_long_is_rejected",
    ),
    Sabotage(
        "a request waits for the pool in the queue",
        "app/core/db/pool.py",
        "            await_(self.queue.acquire(block))\n",
        "            block.scope.holders.append(block)\n",
        "tests/integration/test_errors.py::test_a_pool_without_a_connection_left_is_unavailable",
    ),
    Sabotage(
        "a request has a deadline",
        "app/main.py",
        "Timeout(app, seconds=settings.request_timeout,",
        "Timeout(app, seconds=3600,",
        f"{IN_TIMEOUT}::test_a_statement_that_is_cut_short_stops",
    ),
    Sabotage(
        "a response that has begun may take its time",
        TIMEOUT,
        "                again = self._now() + self._seconds if self._sending else None\n",
        "                again = self._now() + self._seconds\n",
        f"{IN_TIMEOUT}::test_a_response_that_has_begun_may_take_its_time",
    ),
    Sabotage(
        "a client that stops reading is noticed",
        TIMEOUT,
        "        self._deadline.reschedule(self._now() + self._seconds)\n        try:",
        "        try:",
        f"{IN_TIMEOUT}::test_a_client_that_stops_reading_holds_no_connection",
    ),
    Sabotage(
        "a stream that ends early is closed",
        "app/core/http/streaming.py",
        "                await close()\n",
        "                await checkpoint() if close is None else None\n",
        f"{IN_TIMEOUT}::test_a_client_that_stops_reading_holds_no_connection",
    ),
    Sabotage(
        "the connection of a client that takes nothing is broken off",
        "app/core/http/middleware/error_responses.py",
        """            scope.get("state", {}).get(ABORT, _nothing)()\n""",
        "            _nothing()\n",
        f"{IN_TIMEOUT}::test_a_client_that_stops_reading_holds_no_connection",
    ),
    Sabotage(
        "a large answer is sent in parts",
        TIMEOUT,
        "        if len(body) <= PART_MAX:\n",
        "        if body is not None:\n",
        f"{IN_TIMEOUT}::test_a_client_that_reads_slowly_gets_everything",
    ),
    Sabotage(
        "a handshake has a time limit",
        TIMEOUT,
        """        if scope["type"] == "lifespan":\n""",
        """        if scope["type"] != "http":\n""",
        f"{IN_TIMEOUT}::test_a_websocket_is_accepted_in_time_or_rejected",
    ),
    Sabotage(
        "a request that is cut by a stop is answered",
        "app/core/http/middleware/error_responses.py",
        "            await exchange.answer(CUT)\n",
        "            raise\n",
        f"{IN_TIMEOUT}::test_a_request_that_a_stop_cuts_is_answered",
    ),
    Sabotage(
        "what fails while it is cancelled is too late",
        TIMEOUT,
        "            if not deadline.expired():\n                raise\n",
        "            raise\n",
        f"{IN_TIMEOUT}::test_what_fails_while_it_is_cancelled_is_too_late",
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
        "app/core/db/engine.py",
        '    return {"isolation_level": "AUTOCOMMIT"}\n',
        '    return {"postgresql_readonly": True}\n',
        "tests/integration/test_products_round_trips.py::test_one_round_trip_reads_a_product_and_three_change_one",
    ),
    Sabotage(
        "no request fails because a connection was terminated",
        CONNECTIONS,
        '            "checkout": self._check,\n'
        '            "begin": self._set_mode,\n'
        '            "do_execute": self._execute,\n',
        '            "begin": self._set_mode,\n',
        f"{END_TO_END}::test_no_request_fails_when_every_idle_connection_was_terminated",
    ),
    Sabotage(
        "a lock is not waited for for long",
        "app/core/db/engine.py",
        '            "lock_timeout": milliseconds(settings.database_lock_timeout),\n',
        "",
        f"{END_TO_END}::test_more_requests_than_connections_are_served_or_turned_away_in_time",
    ),
    Sabotage(
        "503 is 504 once the request has committed",
        FAULTS,
        "    return PARTLY_DONE if is_promise and has_committed() else response\n",
        "    return response\n",
        f"{IN_FAULTS}::test_503_is_504_once_the_request_has_committed",
    ),
    Sabotage(
        "a 503 that the route raises is 504 once the request has committed",
        "app/core/http/exception_handlers.py",
        "    if error.status_code == HTTPStatus.SERVICE_UNAVAILABLE:\n",
        "    if error.status_code is NotImplemented:\n",
        f"{IN_FAULTS}::test_503_is_504_once_the_request_has_committed",
    ),
]
