"""The developer's own configuration reaches no test."""

from pathlib import Path

import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from app.settings import Settings
from tests.harness.databases import settings_for
from tests.harness.environment import remove
from tests.harness.service import project_without_env_file


def test_no_variable_of_a_setting_survives() -> None:
    environment = {name.upper(): "of the developer" for name in Settings.model_fields}

    remove(environment)

    assert environment == {}


@pytest.mark.parametrize(
    "name",
    ["PGHOST", "OTEL_SDK_DISABLED", "HTTPS_PROXY", "SSL_CERT_FILE", "BASE_URL", "LC_ALL", "TZ"],
)
def test_a_variable_of_a_library_survives_only_where_it_is_named(name: str) -> None:
    assert remove({name: "of the developer"}) == {name: "of the developer"}
    assert remove({name: "of the developer"}, keep=[name]) == {}


def test_the_served_process_finds_no_env_file(folder: Path) -> None:
    for name in (".env", ".env.local", "pyproject.toml"):
        (folder / name).touch()

    with project_without_env_file(folder) as links:
        assert [path.name for path in links.iterdir()] == ["pyproject.toml"]


def test_the_env_file_of_a_settings_class_is_not_read(folder: Path) -> None:
    path = folder / ".env"
    path.write_text("COLOUR=red\n", "utf-8")

    class Options(BaseSettings):
        model_config = SettingsConfigDict(env_file=path)

        colour: str = "blue"

    assert Options().colour == "blue"
    assert Options(_env_file=folder / "." / ".env.example").colour == "blue"
    assert Options(_env_file=str(path)).colour == "red"  # a file that a test names


def test_the_settings_of_the_suite_read_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")

    assert settings_for(make_url("postgresql://localhost/one_more")).log_level == "INFO"
