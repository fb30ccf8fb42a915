"""The names of a feature and of its fields."""

import builtins
import keyword
import re
import sys
from dataclasses import dataclass

from devkit.adapter import take
from devkit.commands.feature import FeatureError

Base = take("core.models:Base")
Entity = take("core.models:Entity")
Body = take("core.schemas:Body")
routers = take("features:routers")

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAME_MAX = 40
FORM = f"write at most {NAME_MAX} lower-case letters, digits and single underscores, a letter first"

NOT_A_PLAIN_S = ("ss", "us", "is", "ies", "ses", "xes", "ches", "shes", "zes", "oes", "ves")
"""Plurals whose singular takes more than to leave out the s."""

IN_MODELS = {"bool", "dict", "dt", "float", "int", "mapped_column", "str"}
SYSTEM_COLUMNS = {"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"}
TAKEN = {*dir(Entity), *dir(Body)} | IN_MODELS | SYSTEM_COLUMNS
METHODS_OF_PYDANTIC = ("model_dump", "model_validate")


@dataclass(frozen=True)
class Names:
    """The plural is the folder, the table and the route; the singular is one row."""

    plural: str
    singular: str

    @property
    def model(self) -> str:
        return camel(self.singular)

    @property
    def path(self) -> str:
        return "/" + self.plural.replace("_", "-")


def camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def names_of(plural: str, singular: str) -> Names:
    """Return the names of a feature that can be added; raise ``FeatureError``."""
    if not plural:
        raise FeatureError('Give a name: make feature name=authors fields="name:str born:date?"')
    _check_form("name", plural)
    if not singular:
        if not plural.endswith("s") or plural.endswith(NOT_A_PLAIN_S):
            raise FeatureError(f"Give the singular, too: make feature name={plural} singular=...")
        singular = plural.removesuffix("s")
    _check_form("singular", singular)
    names = Names(plural, singular)
    _check_free(names)
    return names


def _check_form(what: str, name: str) -> None:
    if len(name) > NAME_MAX or not NAME.fullmatch(name):
        raise FeatureError(f"{what}={name[:NAME_MAX]!a}: {FORM}, such as order_lines.")
    is_module = what == "name" and name in sys.stdlib_module_names
    if keyword.iskeyword(name) or name in dir(builtins) or is_module:
        raise FeatureError(f"{what}={name} is a name of Python: take another, such as shop_{name}.")


def _check_free(names: Names) -> None:
    routes = [getattr(route, "path", "") for router in routers() for route in router.routes]
    if any(f"{path}/".startswith(f"{names.path}/") for path in [*routes, "/docs", "/redoc"]):
        raise FeatureError(f"{names.path} is served already: take another name.")
    tables = {"alembic_version", *(table.name for table in Base.metadata.tables.values())}
    if names.plural in tables or names.plural.startswith("pg_"):
        raise FeatureError(f"The table name {names.plural} is taken: take another name.")
    if names.model in {mapper.class_.__name__ for mapper in Base.registry.mappers}:
        raise FeatureError(f"There is a model {names.model} already: give another singular=.")


def check_field_name(name: str) -> None:
    """Raise ``FeatureError`` for a name that no column can have."""
    if len(name) > NAME_MAX or not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise FeatureError(f"Field {name[:NAME_MAX]!a}: {FORM}, and no keyword of Python.")
    if name in TAKEN or name.startswith(METHODS_OF_PYDANTIC):
        raise FeatureError(
            f"Field {name}: Python, SQLAlchemy, pydantic, PostgreSQL or every row has this name:"
            f" take another, such as its_{name}."
        )
