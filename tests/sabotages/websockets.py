"""What WebSockets, mounted applications and a user's middleware have in common with routes."""

from tests.sabotages.sabotage import Sabotage

RESPONSES = "app/core/http/middleware/error_responses.py"
HANDLERS = "app/core/http/exception_handlers.py"
HOSTS = "app/core/http/middleware/trusted_host.py"
LOG = "app/core/http/middleware/request_log.py"
ROUTES = "app/core/http/routes.py"

IN_WEBSOCKETS = "tests/integration/test_websockets.py"
IN_ERRORS = "tests/integration/test_errors.py"
IN_HOSTS = "tests/unit/test_trusted_host.py"

SABOTAGES = [
    Sabotage(
        "a WebSocket is rejected with a problem",
        RESPONSES,
        """scope["type"] == "http" or _can_deny(self.scope)""",
        """scope["type"] == "http" """,
        f"{IN_WEBSOCKETS}::test_an_error_before_accept_rejects_with_a_problem",
    ),
    Sabotage(
        "a server without denials gets a close",
        RESPONSES,
        """or _can_deny(self.scope):""",
        """or self.scope:""",
        f"{IN_WEBSOCKETS}::test_a_server_without_denials_gets_a_close",
    ),
    Sabotage(
        "an open WebSocket is closed with a reason",
        RESPONSES,
        "                await self.send(answer.close())\n",
        "                pass\n",
        f"{IN_WEBSOCKETS}::test_an_error_after_accept_closes_with_a_reason",
    ),
    Sabotage(
        "a reason fits into its frame",
        HANDLERS,
        """[:REASON_MAX].decode("utf-8", "ignore")""",
        """.decode("utf-8", "ignore")""",
        f"{IN_WEBSOCKETS}::test_an_error_after_accept_closes_with_a_reason",
    ),
    Sabotage(
        "what is unavailable may be tried again",
        HANDLERS,
        "            code = 1013\n",
        "            code = 1011\n",
        f"{IN_WEBSOCKETS}::test_an_error_after_accept_closes_with_a_reason",
    ),
    Sabotage(
        "a bug in a WebSocket has a traceback",
        RESPONSES,
        """            logger.error("unhandled_error", exc_info=error)\n""",
        """            logger.error("unhandled_error")\n""",
        f"{IN_WEBSOCKETS}::test_a_bug_after_accept_closes_with_one_traceback",
    ),
    Sabotage(
        "a handler that returns closes its WebSocket",
        RESPONSES,
        "                await _end(exchange)\n",
        "                pass\n",
        f"{IN_WEBSOCKETS}::test_a_handler_that_returns_closes_the_socket",
    ),
    Sabotage(
        "a close before accept is a problem with its reason",
        RESPONSES,
        """                await self._reject(message)\n                return\n""",
        """                self.ended = True\n""",
        f"{IN_WEBSOCKETS}::test_a_close_before_accept_rejects_with_its_reason",
    ),
    Sabotage(
        "a WebSocket has an id and a line",
        LOG,
        """        elif scope["type"] == "websocket":\n""",
        """        elif scope["type"] == "none":\n""",
        f"{IN_WEBSOCKETS}::test_a_websocket_has_an_id_and_one_line",
    ),
    Sabotage(
        "a WebSocket with a session does not start",
        ROUTES,
        "                if call in SESSIONS:\n",
        "                if call is None:\n",
        f"{IN_WEBSOCKETS}::test_a_websocket_with_a_session_does_not_start",
    ),
    Sabotage(
        "routes of mounted applications are checked",
        ROUTES,
        """            yield from _contexts(getattr(""",
        """            list(getattr(""",
        f"{IN_WEBSOCKETS}::test_a_websocket_with_a_session_does_not_start",
    ),
    Sabotage(
        "pages of other origins open no WebSocket",
        HOSTS,
        "        if not self._is_allowed(origin, host):\n",
        "        if not origin and not host:\n",
        f"{IN_HOSTS}::test_pages_of_other_origins_open_no_websocket",
    ),
    Sabotage(
        "a page of the same host may have any scheme of the web",
        HOSTS,
        "page.removesuffix(default) == own.removesuffix(default)",
        "page == own",
        f"{IN_HOSTS}::test_own_pages_and_programs_open_websockets",
    ),
    Sabotage(
        "a bug in a middleware is logged",
        "app/main.py",
        "        return add_middleware(super().build_middleware_stack(), self.state.settings)\n",
        "        return super().build_middleware_stack()\n",
        f"{IN_ERRORS}::test_a_bug_in_a_middleware_is_a_problem_with_a_traceback",
    ),
    Sabotage(
        "a domain error in a middleware is answered",
        HANDLERS,
        "    return (answer_to(error) or UNHANDLED).response()\n",
        "    return UNHANDLED.response()\n",
        f"{IN_ERRORS}::test_a_domain_error_in_a_middleware_is_answered",
    ),
    Sabotage(
        "a mounted application answers errors alike",
        ROUTES,
        "            add_exception_handlers(mounted)\n",
        "            pass\n",
        f"{IN_ERRORS}::test_a_mounted_application_answers_errors_alike",
    ),
    Sabotage(
        "a 401 names a scheme",
        "app/core/errors.py",
        """{"WWW-Authenticate": "Bearer"}""",
        "{}",
        f"{IN_ERRORS}::test_a_domain_error_has_its_status_and_headers",
    ),
    Sabotage(
        "a domain error carries headers",
        "app/core/errors.py",
        "{**self.default_headers, **(headers or {})}",
        "{**self.default_headers}",
        f"{IN_ERRORS}::test_a_domain_error_has_its_status_and_headers",
    ),
]
