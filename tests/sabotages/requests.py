"""What the service makes of its input."""

from tests.sabotages.sabotage import Sabotage

HOSTS = "app/core/http/middleware/trusted_host.py"
BODY = "app/core/http/middleware/body_limit.py"
PROTOCOL = "app/core/http/protocol.py"
HEADERS = "app/core/http/middleware/security_headers.py"
INVALID = "app/core/http/validation_errors.py"
MAIN = "app/main.py"
SCHEMAS = "app/core/schemas.py"
SETTINGS = "app/settings.py"

IN_HOSTS = "tests/unit/test_trusted_host.py"
IN_BODY = "tests/unit/test_body_limit.py"
IN_PROTOCOL = "tests/unit/test_protocol.py"
IN_INPUT = "tests/integration/test_input.py"
IN_INVALID = "tests/unit/test_invalid.py"
IN_SCHEMAS = "tests/unit/test_schemas.py"

SABOTAGES = [
    Sabotage(
        "a body that says it is too large is refused before anything runs",
        BODY,
        "                    raise self._too_large()\n                break",
        "                    pass\n                break",
        f"{IN_BODY}::test_a_body_that_says_it_is_too_large_is_refused_before_anything_runs",
    ),
    Sabotage(
        "a body in pieces is stopped at the limit",
        BODY,
        "await self.app(scope, self._counted(receive), send)",
        "await self.app(scope, receive, send)",
        f"{IN_INPUT}::test_a_body_in_pieces_is_stopped_at_the_limit",
    ),
    Sabotage(
        "another host is not served",
        HOSTS,
        "return host in self._hosts or self._serves_below(parent)",
        "return bool(host or parent)",
        f"{IN_HOSTS}::test_another_name_is_not_served",
    ),
    Sabotage(
        "a host is compared whole",
        HOSTS,
        "_HOST.fullmatch(header.lower())",
        "_HOST.match(header.lower())",
        f"{IN_HOSTS}::test_another_name_is_not_served",
    ),
    Sabotage(
        "a probe may ask by address",
        HOSTS,
        'if not self._serves(host.decode("latin-1")) and not is_probe(scope):',
        'if not self._serves(host.decode("latin-1")):',
        f"{IN_HOSTS}::test_a_probe_asks_by_address",
    ),
    Sabotage(
        "an address holds no NUL",
        HOSTS,
        """ or b"%00" in scope["query_string"]:""",
        ":",
        f"{IN_HOSTS}::test_an_address_with_a_nul_is_refused",
    ),
    Sabotage(
        "hosts are checked before the application",
        MAIN,
        "hosts=settings.require_allowed_hosts()",
        'hosts="*"',
        f"{IN_INPUT}::test_another_host_is_refused_with_a_problem",
    ),
    Sabotage(
        "every answer has the security headers",
        MAIN,
        "    return SecurityHeaders(app, docs=settings.serves_docs)\n",
        "    return app\n",
        f"{IN_INPUT}::test_every_answer_has_the_security_headers",
    ),
    Sabotage(
        "only https is made to stay https",
        HEADERS,
        "secure = _raw(headers | HTTPS_ONLY)",
        "secure = _raw(headers)",
        f"{IN_INPUT}::test_only_https_is_made_to_stay_https",
    ),
    Sabotage(
        "production shows no docs",
        SETTINGS,
        'return self.environment == "development" if self.docs is None else self.docs',
        "return self.docs is not False",
        f"{IN_INPUT}::test_production_shows_no_docs",
    ),
    Sabotage(
        "no other origin may call",
        MAIN,
        "            allow_origins=settings.cors_origins,\n",
        '            allow_origins=["*"],\n',
        f"{IN_INPUT}::test_an_origin_that_was_named_may_call_and_read_errors",
    ),
    Sabotage(
        "a field that is not known is refused",
        SCHEMAS,
        'extra="forbid"',
        'extra="ignore"',
        f"{IN_SCHEMAS}::test_a_field_that_is_not_known_is_refused",
    ),
    Sabotage(
        "text that cannot be stored is refused",
        SCHEMAS,
        "        if _UNSTORABLE.search(whole):\n",
        "        if not _UNSTORABLE:\n",
        f"{IN_SCHEMAS}::test_text_that_cannot_be_stored_is_refused_wherever_it_is",
    ),
    Sabotage(
        "text that cannot be stored is refused as a key too",
        SCHEMAS,
        "return [*whole, *whole.values()]",
        "return list(whole.values())",
        f"{IN_SCHEMAS}::test_text_that_cannot_be_stored_is_refused_wherever_it_is",
    ),
    Sabotage(
        "a number is finite",
        SCHEMAS,
        "not math.isfinite(whole)",
        "math.isnan(whole)",
        f"{IN_SCHEMAS}::test_a_number_that_json_cannot_say_is_refused",
    ),
    Sabotage(
        "what is nested too deeply is refused",
        SCHEMAS,
        "            if depth > DEEPEST:\n",
        "            if depth < 0:\n",
        f"{IN_SCHEMAS}::test_what_is_nested_too_deeply_is_refused",
    ),
    Sabotage(
        "an integer fits its column",
        SCHEMAS,
        "Field(ge=-(2**31), le=2**31 - 1)",
        "Field(ge=-(2**31), le=2**31)",
        f"{IN_SCHEMAS}::test_an_integer_fits_its_column",
    ),
    Sabotage(
        "every integer that a client sends has bounds",
        "app/core/pagination.py",
        "Query(ge=1, le=100,",
        "Query(ge=1,",
        f"{IN_INPUT}::test_every_integer_that_a_client_sends_has_bounds",
    ),
    Sabotage(
        "no message repeats what pydantic quotes",
        INVALID,
        '            message = message.replace(f"\'{quoted}\'" if key == "tag" else quoted, WITHHELD)\n',
        "            continue\n",
        f"{IN_INVALID}::test_no_message_repeats_the_value",
    ),
    Sabotage(
        "no message repeats what a validator quotes",
        INVALID,
        "        message = message.replace(value, WITHHELD)\n",
        "        del value\n",
        f"{IN_INVALID}::test_no_message_repeats_the_value",
    ),
    Sabotage(
        "a name that the client made up is withheld",
        INVALID,
        "(len(part) <= LONGEST_NAME and part.isprintable())",
        "part",
        f"{IN_INVALID}::test_a_name_that_the_client_made_up_is_withheld",
    ),
    Sabotage(
        "many errors are cut off",
        INVALID,
        "errors[:MOST]",
        "errors",
        f"{IN_INVALID}::test_many_errors_are_cut_off",
    ),
    Sabotage(
        "fields of a head are counted",
        PROTOCOL,
        " or self._fields > HEADERS_MAX:",
        ":",
        f"{IN_PROTOCOL}::test_a_head_without_end_is_refused",
    ),
    Sabotage(
        "a field without end is refused",
        PROTOCOL,
        "        if self._buffered > HEAD_MAX and not self.transport.is_closing():\n",
        "        if self._buffered > HEAD_MAX**2:\n",
        f"{IN_PROTOCOL}::test_a_head_without_end_is_refused",
    ),
    Sabotage(
        "a head is counted for each request",
        PROTOCOL,
        "        self._fields = self._bytes = 0\n        self._buffered = 0\n        super()",
        "        self._buffered = 0\n        super()",
        f"{IN_PROTOCOL}::test_a_head_of_the_limit_is_served",
    ),
    Sabotage(
        "a body is no head",
        PROTOCOL,
        "    def on_body(self, body: bytes) -> None:\n        self._buffered = 0\n",
        "    def on_body(self, body: bytes) -> None:\n",
        f"{IN_PROTOCOL}::test_a_large_body_is_no_head",
    ),
    Sabotage(
        "connections are limited",
        PROTOCOL,
        "            self.app_state[AT_CAPACITY] = True\n",
        "            pass\n",
        f"{IN_PROTOCOL}::test_one_connection_too_many_is_unavailable",
    ),
    Sabotage(
        "a probe is answered at any load",
        "app/core/http/middleware/connection_limit.py",
        " and not is_probe(scope):",
        ":",
        f"{IN_PROTOCOL}::test_a_probe_is_answered_on_any_connection",
    ),
    Sabotage(
        "an unused connection that takes nothing is broken off",
        PROTOCOL,
        "        if self.transport.get_write_buffer_size():\n",
        "        if not self.transport:\n",
        f"{IN_PROTOCOL}::test_an_unused_connection_ends",
    ),
    Sabotage(
        "a new connection has to say something",
        PROTOCOL,
        "            self.timeout_keep_alive, self.timeout_keep_alive_handler\n",
        "            3600, self.timeout_keep_alive_handler\n",
        f"{IN_PROTOCOL}::test_an_unused_connection_ends",
    ),
    Sabotage(
        "a prefix of the proxy is part of every address",
        MAIN,
        '            scope = {**scope, "path": prefix + scope["path"], "raw_path": raw}\n',
        "            del raw\n",
        f"{IN_INPUT}::test_a_prefix_may_be_left_or_removed_by_the_proxy",
    ),
    Sabotage(
        "a probe asks with and without the prefix",
        HOSTS,
        '    return path.removeprefix(scope.get("root_path", "")) in PROBES\n',
        "    return path in PROBES\n",
        f"{IN_INPUT}::test_a_prefix_may_be_left_or_removed_by_the_proxy",
    ),
]
