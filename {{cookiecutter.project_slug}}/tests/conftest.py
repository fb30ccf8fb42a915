"""Where each fixture is found; a factory is found by the name of its file."""

from pathlib import Path

import pytest

from devkit.testing.environment import isolate

# Your shell and your .env reach no test, apart from the variables that you name here.
isolate(keep=[])

# A factory may import another one, and pytest rewrites no asserts of what is imported already.
pytest.register_assert_rewrite("devkit.fixtures", "tests.factories", "tests.fixtures")


def found(folder: str) -> list[str]:
    files = sorted(Path(__file__).parent.glob(f"{folder}/[a-z]*.py"))
    return [f"tests.{folder}.{file.stem}" for file in files]


# devkit imports nothing of the application: [tool.devkit] in pyproject.toml names what it uses.
pytest_plugins = ["devkit.plugin", *found("fixtures"), *found("factories")]
