"""``make feature``: which names it takes, and what it makes of them."""

import ast
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tools.feature.__main__ import main
from tools.feature.files import fill, write
from tools.feature.names import Names, singular_of
from tools.feature.refusals import RefusedError, names_of


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        *[("orders", "order"), ("order_lines", "order_line"), ("categories", "category")],
        *[("addresses", "address"), ("boxes", "box"), ("batches", "batch"), ("keys", "key")],
        *[("people", "person"), ("children", "child"), ("statuses", "status")],
        *[("courses", "course"), ("houses", "house"), ("analyses", "analysis")],
        *[("invoices", "invoice"), ("movies", "movie"), ("days", "day"), ("logos", "logo")],
    ],
)
def test_the_singular_is_derived(plural: str, singular: str) -> None:
    assert singular_of(plural) == singular


@pytest.mark.parametrize(
    "plural", ["status", "address", "news", "series", "sheep", "order", "leaves", "shoes", "axes"]
)
def test_a_singular_that_no_rule_is_sure_of_is_asked_for(plural: str) -> None:
    with pytest.raises(RefusedError, match=f"make feature name={plural} singular="):
        names_of(plural)


def test_the_names_of_a_new_feature() -> None:
    assert names_of("aspen_trees") == Names("aspen_trees", "aspen_tree")
    assert names_of("aspen_leaves", "aspen_leaf") == Names("aspen_leaves", "aspen_leaf")
    assert names_of("aspen_status", "aspen_status").model == "AspenStatus"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *[(name, "name='.*' cannot be used") for name in ("Orders", "order-lines", "1st", "_x")],
        *[(name, "name='.*' cannot be used") for name in ("órdenes", "../x", "a__b", "x" * 41)],
        *[("class", "Python's"), ("lists", "Python's"), ("sessions", "every feature")],
        *[("entities", "every feature"), ("texts", "every feature"), ("pages", "every feature")],
        *[("health", "called"), ("docs", "own page")],
    ],
)
def test_a_name_that_no_feature_can_have_is_refused(name: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        names_of(name)


def test_a_feature_that_exists_is_refused() -> None:
    with pytest.raises(RefusedError, match="app/features/health exists already"):
        names_of("health", "check")


def test_no_name_at_all_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["", ""]) == 2
    assert "make feature name=orders" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (Names("orders", "order"), "Add an order;"),
        (Names("users", "user"), "Add a user;"),
        (Names("updates", "update"), "Add an update;"),
        (Names("order_lines", "order_line"), "Add an order line;"),
    ],
)
def test_the_prose_has_the_right_article(names: Names, said: str) -> None:
    assert said in fill(names)[f"app/features/{names.plural}/router.py"]


def test_every_file_is_python_and_no_blank_is_left() -> None:
    for path, text in fill(Names("order_lines", "order_line")).items():
        ast.parse(text, path)
        assert "$" not in text


def test_a_file_that_cannot_be_written_leaves_none_behind() -> None:
    with TemporaryDirectory() as name:  # tmp_path would stay outside of the project
        root = Path(name)
        (root / "tests").mkdir()
        (root / "tests/test_orders.py").touch()

        with pytest.raises(FileExistsError):
            write(root, {"app/orders/models.py": "x = 1", "tests/test_orders.py": "y = 2"})

        left = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.py"))]
        assert left == ["tests/test_orders.py"]
        assert not (root / "app/orders").exists()
