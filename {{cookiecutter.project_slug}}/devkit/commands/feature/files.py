"""The texts of a feature's files: blanks/ with the names and fields filled in.

Lines ``@key|text`` of a blank are repeated for each row below that has a value for this key.
"""

import io
import tokenize
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from string import Template

from devkit.commands.feature import FeatureError
from devkit.commands.feature.fields import Field, parse_fields
from devkit.commands.feature.names import Names

BLANKS = Path(__file__).parent / "blanks"

EVERY_TYPE = (
    "f1:str f2:text,unique f3:int f4:decimal(2,1) f5:date f6:datetime f7:time? f8:json,index f9:uuid"
    " f10:enum(a) f11:ref(qqqs)?"
)

Row = dict[str, str]


def fill(names: Names, fields: list[Field]) -> dict[str, str]:
    """Return the text of each file, by its path in the project; raise ``FeatureError``."""
    neutral = Names("qqqs", "qqq")
    texts = _texts(neutral, parse_fields(EVERY_TYPE, neutral))
    code = io.StringIO("".join(text for path, text in texts.items() if "/test_" not in path))
    words = {token.string for token in tokenize.generate_tokens(code.readline)}
    for word in (names.singular, names.model):
        if word in words:
            raise FeatureError(
                f"{word} is a name in the code of every feature: take another, such as"
                f" shop_{names.plural}."
            )
    return _texts(names, fields)


def _texts(names: Names, fields: list[Field]) -> dict[str, str]:
    rows = [*_rows(names, fields)]
    unique = [field.name for field in fields if field.is_unique and not field.reference]
    referring = [field.name for field in fields if field.reference]
    conflicts = [row["constant"] for row in rows if "constant" in row]
    common = {
        "things": names.plural,
        "thing": names.singular,
        "Thing": names.model,
        "path": names.path,
        "one": names.singular.replace("_", " "),
        "many": names.plural.replace("_", " "),
        "guards": ", ".join(f"conflict_on(*{constant})" for constant in conflicts),
        "raises": "; raise ``ConflictError``" if conflicts else "",
        "unique": str(unique),
        "referring": str(referring),
        "n": "n" if any(field.kind.sample for field in fields) else "_",
        "values": ", ".join(row["value"] for row in rows if row.get("value")),
    }
    tests = ["test", *["test_unique"] * bool(unique), *["test_reference"] * bool(referring)]
    feature = f"app/features/{names.plural}"
    parts = {f"{feature}/{role}.py": [role] for role in ("models", "schemas", "service", "router")}
    # A seed takes rows that are there; a unique field could take each only once.
    needed = [(f.reference, f.is_unique) for f in fields if f.reference and not f.is_nullable]
    if all(reference.has_seed and not is_unique for reference, is_unique in needed):
        parts[f"{feature}/seed.py"] = ["seed"]
        tests.append("test_seed")
    parts[f"tests/factories/{names.plural}.py"] = ["factory"]
    parts[f"tests/integration/test_{names.plural}.py"] = tests
    texts = {
        path: "".join(_filled(blank, common, rows) for blank in blanks)
        for path, blanks in parts.items()
    }
    return {f"{feature}/__init__.py": ""} | texts


def _filled(blank: str, common: Row, rows: list[Row]) -> str:
    text = ""
    source = (BLANKS / f"{blank}.py.txt").read_text("utf-8").splitlines(keepends=True)
    for key, lines in groupby(source, _key):
        block = "".join(line.removeprefix(f"@{key}|") for line in lines)
        chosen = [row for row in rows if row.get(key)] if key else [{}]
        text += "".join(Template(block).substitute(common | row) for row in chosen)
    return text


def _key(line: str) -> str:
    key, bar, _ = line.removeprefix("@").partition("|")
    return key if line.startswith("@") and bar and key.isidentifier() else ""


def _rows(names: Names, fields: list[Field]) -> Iterator[Row]:
    """Yield what fills the lines that are repeated."""
    schemas = {_schema(field) for field in fields}
    yield dict.fromkeys(schemas, "yes")
    for field in fields:
        yield _of_field(field)
        yield from _conflicts(names, field)
    required = {field.reference for field in fields if not field.is_nullable}
    for reference in sorted({field.reference for field in fields if field.reference}):
        yield {
            "target": reference.model,
            "feature": reference.feature,
            "fixture": reference.fixture,
            "seeded": "yes" if reference in required else "",
        }
    guard = "guarded" if any(f.is_unique or f.reference for f in fields) else "unguarded"
    yield {guard: "yes", "numbered": "yes" if any(field.kind.sample for field in fields) else ""}


def _of_field(field: Field) -> Row:
    kind, null = field.kind, " | None" if field.is_nullable else ""
    has_gin_index = field.is_indexed and field.type == "json"
    options = ["JSONB(none_as_null=True)" if null and field.type == "json" else kind.column]
    options += ["unique=True"] if field.is_unique else []
    options += ["index=True"] if field.is_indexed and not has_gin_index else []
    given = ", ".join(option for option in options if option)
    members = (f'    {word.replace("-", "_").upper()} = "{word}"' for word in field.words)
    row = {
        "field": field.name,
        "annotation": kind.python + null,
        "column": f" = mapped_column({given})" if given else "",
        "schema": _schema(field) + null,
        "default": " = None" if null else "",
        "omitted": " = None" if null else " = OMITTED",
        "read": ("AwareDatetime" if field.type == "datetime" else kind.python) + null,
        "sample": kind.sample,
        "value": f"{field.name}={kind.sample}" if kind.sample else "",
        "enum": kind.python if field.words else "",
        "members": "\n".join(members),
        "gin": "yes" if has_gin_index else "",
    }
    if field.reference:
        row["made_by"] = field.reference.fixture
        if not null:
            first = f"select({field.reference.model}.id).limit(1)"
            row["value"] = f"{field.name}=(await session.scalars({first})).one()"
    return row


def _schema(field: Field) -> str:
    is_indexed_text = field.type == "text" and (field.is_unique or field.is_indexed)
    return "IndexedText" if is_indexed_text else field.kind.schema or field.kind.python


def _conflicts(names: Names, field: Field) -> Iterator[Row]:
    """Yield the constraints that a request may violate, and what the client is told."""
    said, column = field.name.replace("_", " "), f"{names.plural}_{field.name}"
    if field.is_unique:
        message = f"Another {names.singular.replace('_', ' ')} has this {said}."
        constant = f"{field.name.upper()}_IS_TAKEN"
        yield {"constant": constant, "constraint": f"uq_{column}", "message": message}
    if field.reference:
        table = field.reference.table
        message = f"No row of {table} has this {said}."
        constant = f"{field.name.upper()}_IS_UNKNOWN"
        yield {"constant": constant, "constraint": f"fk_{column}_{table}", "message": message}
