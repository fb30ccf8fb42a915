"""What ``python -m tools.postgres`` says when it cannot begin."""

import os
from unittest.mock import patch

import pytest

from tools.postgres.__main__ import forget_libpq, main


def test_a_wrong_url_is_said_in_one_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://me:correct-horse@localhost/things")

    status = main(["true"])

    said = capsys.readouterr().err
    assert status == 1
    assert said.startswith("DATABASE_URL: must look like postgresql://")
    assert said.count("\n") == 1
    assert "correct-horse" not in said


def test_variables_of_libpq_do_not_reach_its_own_server() -> None:
    with patch.dict(os.environ, {"PGPORT": "6543", "PGSSLMODE": "require"}):
        forget_libpq()
        left = [name for name in os.environ if name.startswith("PG")]

    assert left == []
