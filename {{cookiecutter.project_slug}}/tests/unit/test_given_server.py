import pytest
from sqlalchemy import make_url

from tests.harness.given_server import RefusedError, check_allowed

SERVER = "postgresql://me:hunter2@{host}/postgres"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", ""])
def test_this_machine_is_allowed(host: str) -> None:
    check_allowed(make_url(SERVER.format(host=host)), allowed_host=None)


def test_a_socket_is_allowed() -> None:
    check_allowed(make_url("postgresql://me@/postgres?host=/run/postgresql"), allowed_host=None)


@pytest.mark.parametrize("host", ["db.example.org", "10.0.0.1", "localhost.example.org", "[::2]"])
def test_another_machine_is_refused_and_the_way_out_named(host: str) -> None:
    with pytest.raises(RefusedError, match="set TEST_DATABASE_ALLOW_HOST=") as caught:
        check_allowed(make_url(SERVER.format(host=host)), allowed_host=None)

    assert "hunter2" not in str(caught.value)


def test_another_machine_is_allowed_by_its_name_only() -> None:
    url = make_url(SERVER.format(host="postgres"))

    check_allowed(url, allowed_host="postgres")
    with pytest.raises(RefusedError):
        check_allowed(url, allowed_host="postgres2")


@pytest.mark.parametrize("database", ["", "postgres", "test", "orders_test"])
def test_a_database_that_holds_no_data_is_allowed(database: str) -> None:
    check_allowed(make_url(f"postgresql://localhost/{database}"), allowed_host=None)


@pytest.mark.parametrize("database", ["production", "orders", "latest_orders"])
def test_a_database_that_may_hold_data_is_refused(database: str) -> None:
    with pytest.raises(RefusedError, match=f"names the database {database}"):
        check_allowed(make_url(f"postgresql://localhost/{database}"), allowed_host=None)
