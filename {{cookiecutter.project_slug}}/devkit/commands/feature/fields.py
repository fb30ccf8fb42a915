"""Parse ``fields="name:str,unique born:date? shop_id:ref(shops)"``."""

import re
from pathlib import Path
from string import Template
from typing import NamedTuple

from devkit.adapter import ROOT, take
from devkit.commands.feature import FeatureError
from devkit.commands.feature.names import NAME, Names, camel, check_field_name

Base = take("core.models:Base")
Entity = take("core.models:Entity")

DEFAULT = "name:str,unique"
FORM = (
    "write name:type, then ? if it may be null, then ,unique or ,index: price:decimal(10,2)?,index"
)

BETWEEN_FIELDS = re.compile(r"\s+(?![^(]*\))", re.ASCII)
FIELD = re.compile(
    r"(?P<name>[^:]*):(?P<type>[a-z]+)(\((?P<given>[^()]*)\))?(?P<null>\?)?(,(?P<flag>unique|index))?"
)
WORD = re.compile(
    r"(?!.{51})[a-z][a-z0-9]*([_-][a-z0-9]+)*"
)  # 50: the column in app/core/models.py
IDENTIFIER_MAX = 63
"""Bytes of a name in PostgreSQL."""


class Kind(NamedTuple):
    """What a type is in each file; ``sample`` makes a value of ``n``, the number of the row."""

    python: str
    sample: str
    schema: str
    column: str


class Reference(NamedTuple):
    """The table that a field refers to, and what makes its rows in tests and in ``make seed``."""

    table: str
    model: str
    feature: str
    fixture: str = ""
    has_seed: bool = False


class Field(NamedTuple):
    """One field of the feature."""

    name: str
    type: str
    kind: Kind
    is_nullable: bool
    is_unique: bool
    is_indexed: bool
    words: list[str]
    reference: Reference | None


# int is bigint, too: to widen a column of a live table takes several releases.
TYPES = {
    name.strip(): Kind(*(part.strip() for part in parts))
    for line in (Path(__file__).parent / "blanks/types.txt").read_text("utf-8").splitlines()
    for name, *parts in [line.split("|")]
}
NEED_VALUES = {
    "decimal": "decimal(10,2), at most 100 digits, 2 of them after the point",
    "enum": "enum(draft,sent-out), different words of lower-case letters, digits, - and _",
    "ref": "ref(shops), the name of a table",
}


def parse_fields(text: str, names: Names) -> list[Field]:
    """Return the fields; raise ``FeatureError``."""
    fields = [_parse(part, names) for part in BETWEEN_FIELDS.split(text.strip() or DEFAULT)]
    found = [field.name for field in fields]
    classes = [f"{names.model}{suffix}".lower() for suffix in ("", "Create", "Update", "Read")]
    for field in fields:
        if found.count(field.name) > 1:
            raise FeatureError(f"Field {field.name} is given twice: give each field once.")
        classes += [field.kind.python.lower()] if field.words else []
        if len(set(classes)) < len(classes):
            raise FeatureError(f"Field {field.name}: there is a class of this name: add a word.")
        target = f"_{field.reference.table}" if field.reference else ""
        key = f"fk_{names.plural}_{field.name}{target}"  # no name of an index is longer
        if len(key) > IDENTIFIER_MAX:
            raise FeatureError(f"{key} has more than {IDENTIFIER_MAX} letters: shorten the names.")
    return fields


def _parse(text: str, names: Names) -> Field:
    match = FIELD.fullmatch(text)
    if match is None:
        raise FeatureError(f"{text[:60]!a} is not a field: {FORM}.")
    name, type_, flag = match["name"], match["type"], match["flag"]
    check_field_name(name)
    if type_ not in TYPES:
        known = ", ".join(f"{kind}(...)" if kind in NEED_VALUES else kind for kind in TYPES)
        raise FeatureError(f"Field {name}: there is no type {type_[:60]}: take one of {known}.")
    values = [value.strip() for value in (match["given"] or "").split(",")]
    if not _fit(type_, values) or (match["given"] is not None) != (type_ in NEED_VALUES):
        raise FeatureError(f"Field {name}: write {NEED_VALUES.get(type_, type_)}.")
    if flag == "unique" and type_ in ("bool", "enum", "json"):
        raise FeatureError(f"Field {name}: {type_} cannot be unique: leave out ,unique.")
    is_nullable = bool(match["null"])
    blanks = {
        "one": names.singular.replace("_", " "),
        "enum": f"{names.model}{camel(name)}",
        "first": values[0],
        "last": values[-1],
    }
    return Field(
        name,
        type_,
        Kind(*(Template(part).substitute(blanks) for part in TYPES[type_])),
        is_nullable,
        is_unique=flag == "unique",
        is_indexed=flag == "index" or (type_ == "ref" and flag is None),
        words=values if type_ == "enum" else [],
        reference=_reference(name, values[0], names, is_nullable) if type_ == "ref" else None,
    )


def _fit(type_: str, values: list[str]) -> bool:
    match type_:
        case "decimal":
            numbers = [int(value) for value in values if re.fullmatch("[0-9]{1,3}", value)]
            return len(values) == len(numbers) == 2 and numbers[1] <= numbers[0] in range(1, 101)
        case "enum":
            members = {value.replace("-", "_") for value in values if WORD.fullmatch(value)}
            return len(members) == len(values)
        case "ref":
            return len(values) == 1 and NAME.fullmatch(values[0]) is not None
    return True


def _reference(field: str, table: str, names: Names, is_nullable: bool) -> Reference:
    """Return the table that is referred to, or raise ``FeatureError``."""
    if table == names.plural:
        if not is_nullable:
            raise FeatureError(f"Field {field}: the first row refers to none: write ref({table})?.")
        return Reference(table, names.model, table)
    for mapper in Base.registry.mappers:
        model, module = mapper.class_.__name__, mapper.class_.__module__.split(".")
        is_it = mapper.local_table is Base.metadata.tables.get(table)
        if is_it and module[:2] == ["app", "features"] and issubclass(mapper.class_, Entity):
            factory = ROOT / f"tests/factories/{module[2]}.py"
            source = factory.read_text("utf-8") if factory.exists() else ""
            made = re.findall(r"^(?:async )?def make_(\w+)\(", source, re.MULTILINE)
            fixture = next((f"make_{name}" for name in made if camel(name) == model), "")
            if not fixture and not is_nullable:
                raise FeatureError(
                    f"Field {field}: nothing makes a {model} for tests: write its fixture make_... in"
                    f" tests/factories/{module[2]}.py first."
                )
            has_seed = (ROOT / f"app/features/{module[2]}/seed.py").exists()
            return Reference(table, model, module[2], fixture, has_seed)
    raise FeatureError(
        f"Field {field}: no model in app/features has the table {table} and the id of Entity: write"
        " that feature first."
    )
