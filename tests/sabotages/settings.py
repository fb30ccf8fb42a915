"""What the service refuses in its settings, and what a test may change of them."""

from tests.sabotages.sabotage import Sabotage

DATABASE_URL = "app/database_url.py"
TYPES = "app/setting_types.py"
CONFLICTS = "app/setting_conflicts.py"
SETTINGS = "app/settings.py"
FIXTURE = "tests/fixtures/settings.py"

IN_SETTINGS = "tests/unit/test_settings.py"
IN_APPLICATION = "tests/integration/test_settings.py"
REFUSED_URL = f"{IN_SETTINGS}::test_no_part_of_a_refused_url_is_repeated"
REFUSED_OPTION = f"{IN_SETTINGS}::test_an_option_that_cannot_connect_is_refused"
READ_URL = f"{IN_SETTINGS}::test_what_a_url_clearly_means_is_read"
REFUSED_VALUE = f"{IN_SETTINGS}::test_a_value_that_cannot_work_is_refused"
READ_VALUE = f"{IN_SETTINGS}::test_what_is_clearly_meant_is_read"
CONFLICT = f"{IN_SETTINGS}::test_settings_that_contradict_each_other_are_refused"

SABOTAGES = [
    Sabotage(
        "a part of a password that is read as a port is not repeated",
        DATABASE_URL,
        "    except (ArgumentError, ValueError):  # its text may be a part of the password\n",
        "    except ArgumentError:\n",
        REFUSED_URL,
    ),
    Sabotage(
        "a part of a password that is read as a host is refused",
        DATABASE_URL,
        "    if not known or _is_ambiguous(text):\n",
        "    if not known:\n",
        REFUSED_URL,
    ),
    Sabotage(
        "a part of a password that is read as an option is not repeated",
        DATABASE_URL,
        'f"has an option that does not work here; those',
        'f"has options that do not work here, {query.keys()}; those',
        REFUSED_URL,
    ),
    Sabotage(
        "a part of a password that is read as a database is refused",
        DATABASE_URL,
        ' or _MISPLACED.search(url.database or "")',
        "",
        REFUSED_URL,
    ),
    Sabotage(
        "a password among the options is hidden where the URL is shown",
        DATABASE_URL,
        'value = query.pop(name, "")',
        'value = query.get(name, "")',
        f"{IN_SETTINGS}::test_a_password_is_never_printed",
    ),
    Sabotage(
        "an option that asyncpg does not take as text is refused",
        DATABASE_URL,
        "    if query.keys() - OPTIONS:\n",
        '    if query.keys() - OPTIONS - {"direct_tls"}:\n',
        REFUSED_OPTION,
    ),
    Sabotage(
        "an option with a value that asyncpg does not know is refused",
        DATABASE_URL,
        "        if name in query and query[name] not in values:\n",
        '        if name in query and name != "gsslib" and query[name] not in values:\n',
        REFUSED_OPTION,
    ),
    Sabotage(
        "a port that no server has is refused",
        DATABASE_URL,
        "        if not 1 <= port <= 65535:\n",
        "        if port < 1:\n",
        REFUSED_OPTION,
    ),
    Sabotage(
        "a certificate to compare with must be there",
        DATABASE_URL,
        "    _check_certificate(url)\n",
        "",
        f"{IN_SETTINGS}::test_a_certificate_to_compare_with_must_be_there",
    ),
    Sabotage(
        "a URL may end with the newline of its file",
        DATABASE_URL,
        "_parse(value.get_secret_value().strip())",
        "_parse(value.get_secret_value())",
        READ_URL,
    ),
    Sabotage(
        "a list may be written as JSON",
        TYPES,
        "isinstance(found := json.loads(value), list)",
        "isinstance(found := json.loads(value), dict)",
        READ_VALUE,
    ),
    Sabotage(
        "an IDN is compared as clients send it",
        TYPES,
        'name = name.encode("idna").decode("ascii")',
        "return name",
        READ_VALUE,
    ),
    Sabotage(
        "an origin may be written with the slash of a URL",
        TYPES,
        '(?::([0-9]{1,5}))?/?", re.IGNORECASE',
        '(?::([0-9]{1,5}))?", re.IGNORECASE',
        READ_VALUE,
    ),
    Sabotage(
        "a host that equals no Host header is refused",
        TYPES,
        "or not _NAME.fullmatch(name):",
        "or not name:",
        REFUSED_VALUE,
    ),
    Sabotage(
        "an origin that no browser sends is refused",
        TYPES,
        "if match is None or (scheme := match[1].lower()) not in _SCHEMES:",
        "if match is None or not (scheme := match[1].lower()):",
        REFUSED_VALUE,
    ),
    Sabotage(
        "a star stands alone",
        TYPES,
        'if "*" in judged and len(set(judged)) > 1:',
        'if judged == ["*"] * 2:',
        REFUSED_VALUE,
    ),
    Sabotage(
        "a limit that rounds to none is refused",
        TYPES,
        "Field(ge=0.001, le=MAX_SECONDS",
        "Field(gt=0, le=MAX_SECONDS",
        f"{IN_SETTINGS}::test_seconds_that_cannot_be_counted_are_refused",
    ),
    Sabotage(
        "a limit has an end that can be counted",
        TYPES,
        "SecondsOrZero = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]",
        "SecondsOrZero = Annotated[float, Field(ge=0)]",
        f"{IN_SETTINGS}::test_seconds_that_cannot_be_counted_are_refused",
    ),
    Sabotage(
        "words may be written in capitals",
        TYPES,
        "Upper = _change(str.upper)",
        "Upper = _change(str.strip)",
        READ_VALUE,
    ),
    Sabotage(
        "deadlines come in the right order",
        CONFLICTS,
        "or longer is None or shorter < longer:",
        "or longer is None or shorter < longer + 3600:",
        f"{IN_SETTINGS}::test_deadlines_that_would_come_in_the_wrong_order",
    ),
    Sabotage(
        "requests in flight have the time that they may take",
        CONFLICTS,
        '    _less("request_timeout", "shutdown_grace"),\n',
        "",
        CONFLICT,
    ),
    Sabotage(
        "no request waits for a connection longer than for its answer",
        CONFLICTS,
        '    _less("database_pool_timeout", "request_timeout"),\n',
        "",
        CONFLICT,
    ),
    Sabotage(
        "every conflict of settings has an example",
        CONFLICTS,
        "    _known_port,\n",
        '    _known_port,\n    _less("database_slow_query", "request_timeout"),\n',
        f"{IN_SETTINGS}::test_every_conflict_has_an_example",
    ),
    Sabotage(
        "the docs name every setting",
        "docs/operating.md",
        "timeouts, `DATABASE_IDLE_TRUST`,",
        "timeouts,",
        f"{IN_SETTINGS}::test_the_docs_name_every_setting",
    ),
    Sabotage(
        "a mounted application has the settings of the application",
        SETTINGS,
        "connection.state.settings",
        "connection.app.state.settings",
        f"{IN_APPLICATION}::test_a_route_reads_its_settings",
    ),
    Sabotage(
        "overridden settings end with their block",
        FIXTURE,
        "            logging.configure(original)  # create_app",
        "            pass  # create_app",
        f"{IN_APPLICATION}::test_overridden_settings_apply_and_end_with_the_block",
    ),
    Sabotage(
        "overridden settings are validated",
        FIXTURE,
        "    return Settings(_env_file=None, **{**settings.model_dump(), **changes})\n",
        "    return settings.model_copy(update=changes)\n",
        f"{IN_APPLICATION}::test_overridden_settings_are_validated",
    ),
    Sabotage(
        "an overridden setting applies or is refused",
        FIXTURE,
        '        if name.startswith("database_"):\n',
        '        if name == "database_url":\n',
        f"{IN_APPLICATION}::test_a_setting_that_would_not_apply_is_refused",
    ),
]
