"""The project's ``make relink``: which revision follows which, and what it leaves to people."""

import runpy

import pytest

from tools.bake import ROOT

MODULE = runpy.run_path(str(ROOT / "{{cookiecutter.project_slug}}/devkit/commands/relink.py"))
relink, read, write = MODULE["relink"], MODULE["read"], MODULE["write"]

Links = dict[str, tuple[str, ...]]


def links(chain: str) -> Links:
    """Read what is written as ``a, b<a, m<a+b``: m follows a and b."""
    parts = [part.strip().partition("<") for part in chain.split(",") if part.strip()]
    return {name: tuple(filter(None, parents.split("+"))) for name, _, parents in parts}


@pytest.mark.parametrize(
    ("known", "now", "expected"),
    [
        ("a, b<a", "a, b<a", "a, b<a"),
        # a template's option that is off
        ("x, a<x, b<a", "a<x, b<a", "a, b<a"),
        ("a, x<a, y<x, b<y", "a, b<y", "a, b<a"),
        # an option that is switched on later
        ("a, mine<a", "x, a<x, mine<a", "a, mine<a, x<mine"),
        ("a, mine<a", "x, y<x, a<y, mine<a", "a, mine<a, x<mine, y<x"),
        ("a, mine<a", "a, mine<a, x", "a, mine<a, x<mine"),
        ("a, mine<a", "y<x, a<y, x, mine<a", "a, mine<a, x<mine, y<x"),
        # with a merge
        ("a, b<a, c<a, m<b+c", "x, a<x, b<a, c<a, m<b+c", "a, b<a, c<a, m<b+c, x<m"),
        ("a, b<a, c<a, m<b+c", "a, b<a, m<b+c", "a, b<a, m<b"),
        ("a, b<a, c<a", "a, b<a, c<a, m<b+c", "a, b<a, c<a, m<b+c"),
        # a removed example, committed or not
        ("a, b<a", "b<a", "b"),
        ("", "b<a", "b"),
        ("", "a, c<b, d<c", "a, c<a, d<c"),
        # what people have to join
        ("a, b<a, c<a", "a, b<a, c<a", "a, b<a, c<a"),
    ],
)
def test_what_is_committed_keeps_its_order(known: str, now: str, expected: str) -> None:
    assert relink(links(known), links(now)) == links(expected)


@pytest.mark.parametrize(
    ("known", "now", "said"),
    [
        ("", "a, b", "a and b are not committed: commit what"),
        (
            "a, b<a, c<a",
            "a, b<a, c<a, x<a",
            "b and c are both committed: join .*alembic merge heads",
        ),
        ("", "b<a, d<c", "a and c cannot be found, and git does not know"),
    ],
)
def test_what_cannot_be_decided_is_refused_in_one_line(known: str, now: str, said: str) -> None:
    with pytest.raises(MODULE["RelinkError"], match=said) as refused:
        relink(links(known), links(now))

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "source",
    [
        'revision = "c"\ndown_revision = {}\n',
        'revision: str = "c"\ndown_revision: str | None = {}  # see b\n',
        'revision, down_revision = "c", {}\n',
        '"""After b."""\nrevision = "c"\ndown_revision = {}\ndepends_on = "b"\n',
    ],
)
@pytest.mark.parametrize(
    ("parents", "written"), [((), "None"), (("a",), '"a"'), (("a", "é"), '("a", "é")')]
)
def test_only_what_a_revision_follows_is_written(
    source: str, parents: tuple[str, ...], written: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("versions")
    (folder / "c.py").write_bytes(source.format('"b"').encode())

    write(folder, {"c": parents})

    assert (folder / "c.py").read_bytes() == source.format(written).encode()


def test_a_revision_that_cannot_be_read_is_refused() -> None:
    for source in ("revision = 1 +", 'revision = "a"', "revision = down_revision = f()"):
        with pytest.raises(MODULE["RelinkError"], match=r"a\.py"):
            read(source, "a.py")
