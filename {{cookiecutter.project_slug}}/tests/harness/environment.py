"""The environment of a test run: what of the developer's own configuration reaches the tests.

A setting, a ``PGHOST``, a proxy or a time zone of one machine would make another suite of this one.
"""

import os
import re
import time
from collections.abc import Collection, MutableMapping

from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource

SURVIVES = re.compile(
    r"HOME|LOGNAME|PATH|SHELL|TMPDIR|USER|VIRTUAL_ENV"
    r"|(DYLD|LD|NIX)_\w+"  # where programs find their libraries
    r"|COLORTERM|COLUMNS|FORCE_COLOR|LINES|NO_COLOR|PY_COLORS|TERM"  # how pytest writes
    r"|CI|(COVERAGE|COV_CORE|PYTEST|PYTHON)_?\w*"  # how tests are run
    r"|(DEBUGPY|PYDEVD|PYCHARM|TEAMCITY|VSCODE|_?JB|RUN_TEST)_\w+|BUNDLED_DEBUGPY_PATH"  # editors
    r"|TEST_\w+"  # what is meant for the tests
)
"""The variables that tests may see; every other one is removed."""

NO_FILE = f"{os.devnull}/none"

removed: dict[str, str] = {}
"""What was removed, for a client of a deployed service, which may be behind a proxy."""


def remove(environment: MutableMapping[str, str], keep: Collection[str] = ()) -> dict[str, str]:
    """Remove and return every variable that neither survives nor is in ``keep``."""
    names = [name for name in environment if name not in keep and not SURVIVES.fullmatch(name)]
    return {name: environment.pop(name) for name in names}


def isolate(*, keep: Collection[str] = ()) -> None:
    """Leave only the variables that survive and those in ``keep``, and ignore ``.env``.

    Call it before a module of the application is imported: it may read the environment.
    """
    removed.update(remove(os.environ, keep))
    os.environ["TZ"] = "UTC"
    time.tzset()
    if "TEST_DATABASE_URL" not in os.environ:
        os.environ["PGPASSFILE"] = NO_FILE  # else ~/.pgpass, of which asyncpg may warn
    setattr(BaseSettings, "settings_customise_sources", classmethod(_without_env_file))  # noqa: B010


def _without_env_file(
    _: type[BaseSettings],
    settings_cls: type[BaseSettings],
    init_settings: PydanticBaseSettingsSource,
    env_settings: PydanticBaseSettingsSource,
    dotenv_settings: PydanticBaseSettingsSource,
    file_secret_settings: PydanticBaseSettingsSource,
) -> tuple[PydanticBaseSettingsSource, ...]:
    """Take values from where pydantic-settings does, except for the class's own ``.env``."""
    own = settings_cls.model_config.get("env_file")
    is_own = isinstance(dotenv_settings, DotEnvSettingsSource) and dotenv_settings.env_file == own
    given = () if is_own else (dotenv_settings,)  # a file that a test names is read
    return (init_settings, env_settings, *given, file_secret_settings)
