"""Bring the revisions into one line again: ``make relink``.

A database may have what git has committed, so those revisions keep their order, and new ones follow them. What
followed a revision that was removed follows what that one followed. The hook of the template runs this file too:
it needs nothing but Python.
"""

import ast
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

VERSIONS = Path("migrations/versions")

Links = dict[str, tuple[str, ...]]
"""Each revision, and those that it follows."""


class RelinkError(Exception):
    """Nothing is written; the message says what to do first."""


def relink(known: Links, now: Links) -> Links:
    """Return what each present revision has to follow, if ``known`` is what databases may have."""
    known = known | _gap(known, now)

    def present(names: tuple[str, ...]) -> Iterator[str]:
        for name in names:
            yield from (name,) if name in now else present(known[name])

    links = {name: tuple(dict.fromkeys(present(known.get(name, now[name])))) for name in now}
    links = {name: _nearest(links, parents) for name, parents in links.items()}
    if len(_heads(links)) <= 1:
        return links
    new = [name for name in now if name not in known]
    placed = {name: links[name] for name in now if name in known}
    while new:
        heads = _heads(placed)
        if not heads:
            raise RelinkError(
                f"{' and '.join(_heads(links))} are not committed: commit what a database may have,"
                " then run this again."
            )
        if len(heads) > 1:
            raise RelinkError(
                f"{' and '.join(heads)} are both committed: join them with"
                ' `.venv/bin/alembic merge heads -m "join"`, then run this again.'
            )
        following = next((name for name in new if not {*links[name]} & {*new}), new[0])
        new.remove(following)
        placed[following] = heads
    return placed


def _gap(known: Links, now: Links) -> Links:
    """Return what a removed revision has followed, which git does not know: the end of the others."""
    missing = {parent for parents in now.values() for parent in parents} - {*now} - {*known}
    if not missing:
        return {}
    after = {name for name in now if missing & _ancestors(now, name)}
    before = _heads({name: parents for name, parents in now.items() if name not in after})
    if len(missing) > 1 or len(before) > 1:
        raise RelinkError(
            f"{' and '.join(sorted(missing))} cannot be found, and git does not know what came before:"
            " write it into `down_revision` of what follows, in migrations/versions."
        )
    return dict.fromkeys(missing, before)


def _heads(links: Links) -> tuple[str, ...]:
    followed = {parent for parents in links.values() for parent in parents}
    return tuple(name for name in links if name not in followed)


def _ancestors(links: Links, name: str) -> set[str]:
    found: set[str] = set()
    to_do = [name]
    while to_do:
        parents = {*links.get(to_do.pop(), ())} - found
        found |= parents
        to_do += parents
    return found


def _nearest(links: Links, parents: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out parents that another parent follows anyway."""
    further = {name for parent in parents for name in _ancestors(links, parent)}
    return tuple(parent for parent in parents if parent not in further)


def _values(source: str, name: str) -> dict[str, ast.expr]:
    """Return what a revision assigns to each name."""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise RelinkError(f"{name} is no Python: {error.msg}, line {error.lineno}.") from None
    found: dict[str, ast.expr] = {}
    for statement in statements:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                found[target] = value
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                found[target] = value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                found |= {
                    ast.unparse(one): value for one, value in zip(targets, values, strict=False)
                }
    return found


def read(source: str, name: str) -> Links:
    """Return the link of one revision."""
    values = _values(source, name)
    try:
        revision, parents = (ast.literal_eval(values[key]) for key in ("revision", "down_revision"))
    except (KeyError, ValueError):
        raise RelinkError(f"{name} does not say its revision and down_revision.") from None
    return {revision: (parents,) if isinstance(parents, str) else tuple(parents or ())}


def read_folder(folder: Path) -> Links:
    """Return the links of the revisions in a folder, in the order of its files."""
    links: Links = {}
    for path in sorted(folder.glob("*.py")):
        links |= read(path.read_bytes().decode(), path.name)
    return links


def read_commits(folder: Path) -> Links:
    """Return the links that git has committed, also on the branch that is being merged."""
    links: Links = {}
    for commit in ("HEAD", "MERGE_HEAD"):
        command = ["git", "archive", "--format=tar", f"{commit}:./{folder.as_posix()}"]
        try:
            archive = subprocess.run(command, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue  # no git, no commit, no merge, or a folder that is new
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            for file in files:
                if file.name.endswith(".py") and (content := files.extractfile(file)):
                    links |= read(content.read().decode(), file.name)
    return links


def write(folder: Path, links: Links, *, check: bool = False) -> list[str]:
    """Write the links into the revisions where they differ; return what is changed."""
    changed = []
    for path in sorted(folder.glob("*.py")):
        source = path.read_bytes()
        ((revision, old),) = read(source.decode(), path.name).items()
        new = links[revision]
        if {*new} == {*old}:
            continue
        changed.append(f"{path.name} follows {' and '.join(new) or 'none'}")
        if not check:
            value = _values(source.decode(), path.name)["down_revision"]
            path.write_bytes(_replaced(source, value, new))
    return changed


def _replaced(source: bytes, value: ast.expr, parents: tuple[str, ...]) -> bytes:
    names = ", ".join(f'"{parent}"' for parent in parents)
    written = f"({names})" if len(parents) > 1 else names or "None"
    lines = source.splitlines(keepends=True)
    first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
    before, after = lines[first][: value.col_offset], lines[last][value.end_col_offset :]
    lines[first : last + 1] = [before + written.encode() + after]
    return b"".join(lines)


def main(*arguments: str) -> int:
    check = "--check" in arguments
    try:
        links = relink(read_commits(VERSIONS), read_folder(VERSIONS))
        changed = write(VERSIONS, links, check=check)
    except RelinkError as error:
        if check:
            return 0  # the next command of `make lint` says it better
        sys.exit(str(error))
    if check and changed:
        sys.exit(
            f"The revisions are not in one line: run `make relink`, then {'; '.join(changed)}."
        )
    if not check:
        print(*(changed or ["Nothing to do: the revisions are in one line."]), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
