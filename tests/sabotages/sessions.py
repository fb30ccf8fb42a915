"""What sessions promise: when they end, what they refuse, and what they cost the pool."""

from tests.sabotages.sabotage import Sabotage

ABORTED = "app/core/db/aborted.py"
CONNECTIONS = "app/core/db/connection_health.py"
DATABASE = "app/core/db/database.py"
POOL = "app/core/db/pool.py"
QUEUE = "app/core/db/connection_queue.py"
RETURNED = "app/core/db/returned_errors.py"
SAVEPOINTS = "tests/harness/savepoints.py"
SESSIONS = "app/core/db/sessions.py"
STATEMENTS = "app/core/db/statements.py"
IN_METHODS = "tests/unit/test_session_methods.py"
IN_SESSIONS = "tests/integration/test_sessions.py"
IN_STATEMENTS = "tests/unit/test_statements.py"

REFUSES_TO_WRITE = f"{IN_SESSIONS}::test_read_session_refuses_to_write"
BREAKS_A_PROMISE = f"{IN_SESSIONS}::test_session_refuses_what_would_break_a_promise"
ROLLS_BACK = f"{IN_SESSIONS}::test_response_that_is_an_error_rolls_back"

SABOTAGES = [
    Sabotage(
        "a session ends with its block",
        SESSIONS,
        "        if self.has_ended:\n            raise EndedSessionError\n",
        "",
        f"{IN_SESSIONS}::test_session_that_is_used_after_its_block_raises",
    ),
    Sabotage(
        "a session ends with its route",
        SESSIONS,
        "        if self.has_ended:\n            raise EndedSessionError\n",
        "",
        f"{IN_SESSIONS}::test_session_that_is_used_after_its_route_raises",
    ),
    Sabotage(
        "a read is read-only to PostgreSQL",
        CONNECTIONS,
        '            "begin": self._set_mode,\n',
        "",
        f"{REFUSES_TO_WRITE}[committed]",
    ),
    Sabotage(
        "a read is read-only in the sandbox",
        SAVEPOINTS,
        "            sql.append(READS)\n",
        "            pass\n",
        f"{REFUSES_TO_WRITE}[sandbox]",
    ),
    Sabotage(
        "a read is read-only in the sandbox after an error too",
        SAVEPOINTS,
        '{self._held[connection]}; {READS}"',
        '{self._held[connection]}"',
        "tests/integration/test_sandbox.py::test_a_query_that_fails_is_the_only_one_that_fails",
    ),
    Sabotage(
        "an object that a read would write is noticed",
        SESSIONS,
        "        if session.identity_map.check_modified() or session.new or session.deleted:\n",
        "        if self.dirty or self.deleted:\n",
        REFUSES_TO_WRITE,
    ),
    Sabotage(
        "a read cannot make itself able to write",
        STATEMENTS,
        'driver.get_settings().default_transaction_read_only != "on"',
        "not driver",
        f"{REFUSES_TO_WRITE}[committed]",
    ),
    Sabotage(
        "a read of the sandbox cannot make itself able to write",
        SAVEPOINTS,
        '            "after_cursor_execute": self._check_mode,\n',
        "",
        f"{REFUSES_TO_WRITE}[sandbox]",
    ),
    Sabotage(
        "a block of code cannot commit in a read",
        STATEMENTS,
        "|ROLLBACK|DO|CALL",
        "|ROLLBACK",
        f"{REFUSES_TO_WRITE}[committed]",
    ),
    Sabotage(
        "a connection of a read is writable for a transaction",
        CONNECTIONS,
        'mode if read_only else "RESET default_transaction_read_only"',
        "mode",
        f"{IN_SESSIONS}::test_connection_of_a_read_is_writable_for_a_transaction",
    ),
    Sabotage(
        "reads and transactions share one pool",
        POOL,
        "        if self._total >= self._size and (other := self._idle[not read_only]):\n"
        "            return other.pop()\n",
        "",
        f"{IN_SESSIONS}::test_reads_and_transactions_share_one_pool",
    ),
    Sabotage(
        "a read is one round trip",
        "app/core/db/engine.py",
        '    return {"isolation_level": "AUTOCOMMIT"}\n',
        '    return {"postgresql_readonly": True}\n',
        f"{IN_SESSIONS}::test_read_is_one_round_trip_beside_transactions",
    ),
    Sabotage(
        "no connection is switched between reads and transactions without need",
        POOL,
        "if same := self._idle[read_only]:",
        "if same := self._idle[True] or self._idle[False]:",
        f"{IN_SESSIONS}::test_read_is_one_round_trip_beside_transactions",
    ),
    Sabotage(
        "a read refuses a server-side cursor",
        STATEMENTS,
        '        raise NeedsTransactionError("A server-side cursor")\n',
        "        pass\n",
        f"{IN_SESSIONS}::test_read_session_names_what_has_a_transaction",
    ),
    Sabotage(
        "a read refuses what needs a transaction",
        STATEMENTS,
        "        raise NeedsTransactionError(_command(sql))\n",
        "        pass\n",
        f"{IN_SESSIONS}::test_read_session_names_what_has_a_transaction",
    ),
    Sabotage(
        "a read gives its connection back after each statement",
        SESSIONS,
        "            await greenlet_spawn(transaction.close)\n",
        "            pass\n",
        f"{IN_SESSIONS}::test_read_gives_its_connection_back_after_each_statement",
    ),
    Sabotage(
        "what a read has loaded stays loaded",
        SESSIONS,
        "            await greenlet_spawn(transaction.close)\n",
        "            await greenlet_spawn(transaction.rollback)\n",
        f"{IN_SESSIONS}::test_read_gives_its_connection_back_after_each_statement",
    ),
    Sabotage(
        "a request has one place in the queue",
        "app/core/db/scope.py",
        "        self.scope = parent.scope if parent else Scope(name)\n",
        "        self.scope = Scope()\n",
        f"{IN_SESSIONS}::test_request_needs_one_place_in_the_queue",
    ),
    Sabotage(
        "requests with two sessions do not wait for each other",
        "app/core/db/scope.py",
        "        self.scope = parent.scope if parent else Scope(name)\n",
        "        self.scope = Scope()\n",
        f"{IN_SESSIONS}::test_many_requests_with_two_sessions_share_a_small_pool",
    ),
    Sabotage(
        "parallel reads of a request use one connection",
        QUEUE,
        "        await self._wait_for_others(block, is_around)\n",
        "        del is_around\n",
        f"{IN_SESSIONS}::test_request_needs_one_place_in_the_queue",
    ),
    Sabotage(
        "validation comes before the queue",
        DATABASE,
        "    async with database.transaction() as session:\n        yield session\n        block",
        "    async with database.transaction() as session:\n        await session.connection()\n"
        "        yield session\n        block",
        "tests/integration/test_errors.py::test_invalid_request_does_not_wait_for_a_connection",
    ),
    Sabotage(
        "the answer to COMMIT is read",
        ABORTED,
        '    if status != "COMMIT":\n',
        "    if not status:\n",
        f"{IN_SESSIONS}::test_caught_error_of_the_driver_fails_the_commit[committed]",
    ),
    Sabotage(
        "the sandbox's commit is answered as PostgreSQL's",
        SAVEPOINTS,
        "        raise AbortedTransactionError from error\n",
        "        return\n",
        f"{IN_SESSIONS}::test_caught_error_of_the_driver_fails_the_commit[sandbox]",
    ),
    Sabotage(
        "a transaction begins before the driver is used",
        CONNECTIONS,
        "        dialect.do_begin = self._begin\n",
        "        del dialect\n",
        f"{IN_SESSIONS}::test_what_the_driver_does_first_is_in_the_transaction[committed]",
    ),
    Sabotage(
        "an error response that is returned rolls back",
        RETURNED,
        "            note_failure()\n",
        "            pass\n",
        ROLLS_BACK,
    ),
    Sabotage(
        "an error status that is set rolls back",
        DATABASE,
        "has_failed or is_error(response) or declares_error(",
        "has_failed or declares_error(",
        ROLLS_BACK,
    ),
    Sabotage(
        "a redirection commits",
        RETURNED,
        "FIRST_ERROR = 400",
        "FIRST_ERROR = 300",
        ROLLS_BACK,
    ),
    Sabotage(
        "commit() and close() are refused",
        SESSIONS,
        "    commit = close = aclose = reset = invalidate = _refuse\n",
        "",
        BREAKS_A_PROMISE,
    ),
    Sabotage(
        "begin() is refused",
        SESSIONS,
        "    def begin(self) -> Any:\n        raise UsageError(ONLY_DATABASE_ENDS)\n",
        "",
        BREAKS_A_PROMISE,
    ),
    Sabotage(
        "a commit by another way is refused",
        STATEMENTS,
        '    event.listen(engine.sync_engine, "commit", _check_commit)\n',
        "",
        f"{IN_SESSIONS}::test_transaction_refuses_each_way_to_commit",
    ),
    Sabotage(
        "a commit that is refused leaves no transaction behind",
        STATEMENTS,
        "        connection._rollback_impl()  # SQLAlchemy takes the transaction for ended now\n",
        "",
        f"{IN_SESSIONS}::test_transaction_refuses_each_way_to_commit",
    ),
    Sabotage(
        "a connection is given back without state",
        CONNECTIONS,
        "        if not (in_greenlet() and _answers(connection, CLEAN)):\n",
        "        if not in_greenlet():\n",
        f"{IN_SESSIONS}::test_connection_is_given_back_without_state",
    ),
    Sabotage(
        "a place is given up while no connection is held",
        "app/core/db/scope.py",
        "                queue.leave()\n",
        "                pass\n",
        "tests/unit/test_connection_queue.py::test_place_is_given_up_while_no_connection_is_held",
    ),
    Sabotage(
        "a request that comes back goes before new ones",
        QUEUE,
        "self._returning if block.scope.was_admitted else self._new",
        "self._new",
        "tests/unit/test_connection_queue.py::test_request_that_comes_back_goes_before_new_ones",
    ),
    Sabotage(
        "statements are checked before they are sent",
        STATEMENTS,
        '    event.listen(engine.sync_engine, "before_cursor_execute", _check)\n',
        "",
        BREAKS_A_PROMISE,
    ),
    Sabotage(
        "AUTOCOMMIT is refused in a transaction",
        STATEMENTS,
        '    event.listen(engine.sync_engine, "begin", _check_isolation)\n',
        "",
        f"{IN_SESSIONS}::test_transaction_refuses_autocommit[committed]",
    ),
    Sabotage(
        "a comment hides no command",
        STATEMENTS,
        "    sql = _without_comments(statement)\n",
        "    sql = statement\n",
        f"{IN_STATEMENTS}::test_statement_that_breaks_a_promise_is_refused",
    ),
    Sabotage(
        "a rollback to a savepoint is no rollback",
        STATEMENTS,
        r"ROLLBACK(?!\s.*\bTO\b)",
        "ROLLBACK",
        f"{IN_STATEMENTS}::test_statement_that_needs_a_transaction_has_one",
    ),
    Sabotage(
        "a setting that outlives its transaction is refused",
        STATEMENTS,
        r'r"SET\s(?!\s*(LOCAL|TRANSACTION|CONSTRAINTS)\b)|RESET',
        'r"RESET',
        f"{IN_STATEMENTS}::test_statement_that_breaks_a_promise_is_refused",
    ),
    Sabotage(
        "every method of a session that runs statements is wrapped",
        SESSIONS,
        '    return public - ends - {"close_all"}  # of all sessions\n',
        '    return public - ends - {"close_all", "merge_all"}\n',
        f"{IN_METHODS}::test_every_method_that_runs_statements_is_wrapped",
    ),
    Sabotage(
        "tasks take a session one after the other",
        SESSIONS,
        "        await self.lock.acquire()\n",
        "        self.lock.locked() or await self.lock.acquire()\n",
        f"{IN_SESSIONS}::test_tasks_take_a_session_one_after_the_other",
    ),
    Sabotage(
        "a transaction begins with the settings of a new connection",
        ABORTED,
        '            query = f"RESET ALL; {query}"  # in the same round trip\n',
        "            pass\n",
        f"{IN_SESSIONS}::test_settings_that_a_function_leaves_end_with_the_transaction",
    ),
    Sabotage(
        "a switch that is cancelled is not taken for done",
        CONNECTIONS,
        "    info[READ_ONLY] = None  # not known, if the request is cancelled meanwhile\n",
        "",
        "tests/integration/test_connections.py"
        "::test_switch_to_writing_that_is_cancelled_is_not_taken_for_done",
    ),
    Sabotage(
        "what fails after the response is logged",
        "app/core/http/middleware/error_responses.py",
        "        if answer and exchange.ended and exchange.status == answer.status:\n",
        "        if exchange.ended:\n",
        "tests/integration/test_faults.py::test_what_fails_after_the_response_is_logged_and_raised",
    ),
    Sabotage(
        "a value that cannot be encoded is no fault of the connection",
        "app/core/db/sqlstate.py",
        ' and "another operation" in str(error)\n',
        "\n",
        "tests/integration/test_faults.py"
        "::test_value_that_the_driver_cannot_encode_is_an_error_of_the_code",
    ),
    Sabotage(
        "a route that declares an error rolls back",
        RETURNED,
        "    return (declared or 0) >= FIRST_ERROR\n",
        "    return declared is NotImplemented\n",
        ROLLS_BACK,
    ),
]
