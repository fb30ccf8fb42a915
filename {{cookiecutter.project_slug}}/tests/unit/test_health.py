import pytest

from app.features.health.schema import Revisions, is_behind, of_code
from app.settings import ROOT

CODE = Revisions(frozenset({"r1", "r2", "r3"}), frozenset({"r3"}))


@pytest.mark.parametrize("found", [(), ("r1",), ("r1", "r2")])
def test_a_database_that_lacks_a_revision_is_behind(found: tuple[str, ...]) -> None:
    assert is_behind(frozenset(found), CODE)


@pytest.mark.parametrize("found", [("r3",), ("r4",), ("r3", "r4")])
def test_a_database_that_has_it_or_one_that_only_newer_code_knows_is_not(
    found: tuple[str, ...],
) -> None:
    assert not is_behind(frozenset(found), CODE)


def test_the_code_knows_each_of_its_revisions() -> None:
    files = list((ROOT / "migrations/versions").glob("[a-z0-9]*.py"))

    assert len(of_code().all) == len(files)
