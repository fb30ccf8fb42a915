"""`make feature` writes what a hand would have: green, clean, and beside everything that was there."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.answers import ANSWERS
from tests.conftest import Run
from tests.workshop import Make, run_tests
from tools.bake import bake

TYPES = [
    *("str", "text", "int", "bigint", "float", "decimal(10,2)", "decimal(1,1)", "bool", "date"),
    *("datetime", "time", "uuid", "json", "enum(open, sent-out)", "ref(products)"),
]
NOT_UNIQUE = ("bool", "json", "enum")
MODIFIERS = ["", "?", ",unique", "?,unique", ",index", "?,index"]


def every_type(modifier: str) -> str:
    """Return a field of each type that can have the modifier."""
    return " ".join(
        f"field_{number}:{type_}{modifier}"
        for number, type_ in enumerate(TYPES)
        if not ("unique" in modifier and type_.startswith(NOT_UNIQUE))
    )


FEATURES = [
    *((f"gadgets_{n}", f"gadget_{n}", every_type(each)) for n, each in enumerate(MODIFIERS)),
    ("shops", "", ""),
    *((f"one_{n}s", "", f"only:{type_}") for n, type_ in enumerate(("time?", "json", "bool"))),
    ("categories", "category", "parent_id:ref(categories)? shop_id:ref(shops)?"),
    ("users", "", "group:str order:int? table:bool"),  # words of SQL
    ("user_marks", "", "user_id:ref(users),unique shop_id:ref(shops) other_id:ref(shops)"),
    ("testimonials", "", "stars:enum(one,two) mood:enum(good)? date:date time:time? type:str"),
    ("clients", "", "price:decimal(3,3)"),
    ("x" * 40, "y" * 40, "n:int"),
]

REFUSED = [
    *(("born:day", "born"), ("name", "'name'"), ("a:str,primary", "primary")),
    *(("a:str a:int", "twice"), ("class:str", "class"), ("é:str", "xe9"), (":str", "Field ''")),
    *((f"{name}:str", name) for name in ("id", "created_at", "metadata", "registry", "copy")),
    *((f"{name}:str", name) for name in ("xmin", "dt", "str", "model_dump_it")),
    *(("a:enum(x,x)", "enum"), ("a:enum(X y)", "enum"), ("a:enum(", "enum"), ("a:enum", "enum")),
    *(("a:decimal(2,3)", "decimal"), ("a:decimal", "decimal"), ("a:str(9)", "write str")),
    *(("a:ref(nowhere)", "nowhere"), ("a:ref(x y)", "ref"), ("a:ref(authors)", "ref(authors)?")),
    *(("a:bool,unique", "unique"), ("update:enum(x)", "update"), ("l:str", "E741")),
    *(("a:str'", "str'"), ('a:str"', 'str"'), ("a:str\\", "str"), ("a:str\0", "x00")),
]
REFUSED_NAMES = [
    *("", "products", "health", "livez", "docs", "Orders", "class", "../orders", "shoes", "people"),
    *("sessions", "pages", "entities", "alembic_version", "pg_stats", "statistics", "x" * 41),
]

IN_ONE_PROCESS = """
import json, sys
from devkit.commands.feature.__main__ import main
for case in json.load(sys.stdin):
    if main(*case) != 2:
        print("accepted:", case)
"""


def files(project: Path) -> dict[Path, bytes]:
    """Each file of the project that git would track."""
    ignored = {".venv", ".cache", ".data", ".pytest_cache", ".ruff_cache", "htmlcov", "__pycache__"}
    return {
        path: path.read_bytes()
        for path in project.rglob("*")
        if path.is_file()
        and not ignored & set(path.parts)
        and path.name not in {".coverage", "uv.lock"}
    }


def written(output: str) -> Iterator[str]:
    """Yield the paths that make feature prints."""
    return (line for line in output.splitlines() if line.endswith(".py"))


def test_the_readme_names_every_type(source: Path) -> None:
    _, _, section = (source / "README.md").read_text(encoding="utf-8").partition("## Add a feature")
    known = (
        (source / "devkit/commands/feature/blanks/types.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    )

    for line in known:
        name = line.partition(" ")[0]
        assert f"`{name}`" in section or f"`{name}(" in section


@pytest.mark.heavy
def test_features_of_every_type_are_green_and_change_nothing_that_was_there(
    template: Path, tmp_path: Path, run: Run
) -> None:
    project = bake(template, tmp_path, ANSWERS["defaults"])
    before = files(project)

    for name, singular, fields in FEATURES:
        answers = (f"name={name}", f"singular={singular}", f"fields={fields}")
        made = run("make", "feature", *answers, cwd=project)
        assert made.returncode == 0, made.stderr
    assert before.items() <= files(project).items()

    for target in ("migrate", "lint", "types", "test"):
        done = run("make", target, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr


def refused(project: Path, cases: list[tuple[str, str, str]], run: Run) -> list[str]:
    """Give the cases to the command, one process for all; return what it says of each."""
    python = project / ".venv/bin/python"
    done = run(python, "-c", IN_ONE_PROCESS, cwd=project, typed=json.dumps(cases))
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    return done.stderr.splitlines()


def test_a_refused_field_leaves_nothing(installed: Path, run: Run) -> None:
    before = files(installed)

    lines = refused(installed, [("authors", "", fields) for fields, _ in REFUSED], run)

    assert len(lines) == len(REFUSED), "one line each"
    assert [said for line, (_, said) in zip(lines, REFUSED, strict=True) if said not in line] == []
    assert files(installed) == before


def test_a_refused_name_leaves_nothing(installed: Path, run: Run) -> None:
    before = files(installed)

    lines = refused(installed, [(name, "", "") for name in REFUSED_NAMES], run)

    assert len(lines) == len(REFUSED_NAMES), "one line each"
    assert files(installed) == before


@pytest.mark.parametrize(
    "fields",
    ["$(shell touch hacked)", "$(touch hacked)", "`touch hacked`:str", 'a:str";touch b"', "a:s\nb"],
)
def test_a_field_is_never_a_command(fields: str, installed: Path, run: Run) -> None:
    before = files(installed)

    answer = run("make", "feature", "name=authors", f"fields={fields}", cwd=installed)

    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 2, answer.stderr  # the reason, and make's own line
    assert files(installed) == before


@pytest.mark.heavy
def test_a_feature_stays_green_when_a_field_is_added_and_goes_by_rm(
    workshop: Path, installed: Path, server: str, make: Make
) -> None:
    made = make("feature", "name=authors", "fields=name:str,unique product_id:ref(products)?")
    assert made.returncode == 0, made.stderr
    folder = workshop / "app/features/authors"
    for name, after, line in [
        (
            "models.py",
            "    name: Mapped",
            '    note: Mapped[str] = mapped_column(server_default="")',
        ),
        ("models.py", "    name: Mapped", "    born: Mapped[int | None]"),
        ("schemas.py", "class AuthorRead(Schema):", "    born: int | None"),
        ("schemas.py", "class AuthorUpdate(Body):", "    born: int | None = None"),
    ]:
        text = (folder / name).read_text(encoding="utf-8")
        (line_before,) = [found for found in text.splitlines() if found.startswith(after)][:1]
        (folder / name).write_text(text.replace(line_before, f"{line_before}\n{line}"), "utf-8")
    for target in (["migrate"], ["migration", "m=add note and born"]):
        done = make(*target)
        assert done.returncode == 0, done.stderr

    tests = ["tests/integration/test_authors.py", "tests/integration/test_migrations.py"]
    edited = run_tests(workshop, installed, server, *tests)
    assert edited.returncode == 0, edited.stdout

    for path in workshop.glob("migrations/versions/*_add_note_and_born.py"):
        path.unlink()
    for name in written(made.stdout):
        (workshop / name).unlink()
    for cache in folder.glob("__pycache__/*"):
        cache.unlink()
    without = run_tests(workshop, installed, server, tests[1], "tests/unit/test_architecture.py")
    assert without.returncode == 0, without.stdout
    assert make("lint").returncode == 0
