from alembic.script import ScriptDirectory

from app.settings import ROOT


def test_there_is_one_head() -> None:
    heads = ScriptDirectory(ROOT / "migrations").get_heads()

    assert len(heads) <= 1, 'join them: .venv/bin/alembic merge heads -m "join"'
