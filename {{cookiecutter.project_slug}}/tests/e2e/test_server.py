"""The fixtures of end-to-end tests."""

import pytest

from tests.fixtures.server import runs_deployed


def test_a_deployed_service_gets_no_test_but_those_of_smoke(request: pytest.FixtureRequest) -> None:
    assert not runs_deployed(request.node)


@pytest.mark.smoke
def test_a_deployed_service_gets_the_tests_of_smoke(request: pytest.FixtureRequest) -> None:
    assert runs_deployed(request.node)
