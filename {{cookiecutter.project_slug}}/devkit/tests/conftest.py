"""The self-tests have the fixtures of the project's own tests."""

from tests import conftest

pytest_plugins = conftest.pytest_plugins
