"""Names that no feature can have, each with what to write instead."""

import builtins
import keyword
import re

from sqlalchemy import MetaData

from app.core.models import Base
from app.features import load_models
from app.settings import ROOT
from tools.feature.files import fill, vocabulary
from tools.feature.names import Names, singular_of

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LENGTH = 40
"""PostgreSQL cuts names at 63 bytes, and an index has the table's name and more."""

DOCUMENTATION = {"docs", "redoc"}


class RefusedError(Exception):
    """The feature cannot have these names; the message says which it could have."""


def names_of(plural: str, singular: str = "") -> Names:
    """Return the names of a new feature, or raise ``RefusedError``."""
    _check_form("name", plural)
    if not singular:
        derived = singular_of(plural)
        if derived is None:
            raise RefusedError(
                f"What is one of {plural!r} called? No rule is sure, so say both:"
                f" make feature name={plural} singular=..."
            )
        singular = derived
    _check_form("singular", singular)
    names = Names(plural, singular)
    _check_free(names)
    return names


def _check_form(what: str, name: str) -> None:
    if len(name) > LENGTH or not NAME.fullmatch(name):
        raise RefusedError(
            f"{what}={name[:LENGTH]!a} cannot be used: write at most {LENGTH} lower-case letters,"
            " digits and single underscores, a letter first, such as order_lines."
        )
    if keyword.iskeyword(name) or name in dir(builtins):
        raise RefusedError(f"{what}={name} is a word of Python's: {_another(name)}")


def _check_free(names: Names) -> None:
    if names.path in DOCUMENTATION:
        raise RefusedError(f"/{names.path} shows the API's own page: {_another(names.plural)}")
    for word in (names.singular, names.model):
        if word in vocabulary():
            raise RefusedError(
                f"{word} is a name in the code of every feature: {_another(names.plural)}"
            )
    load_models()
    if names.table in _tables(Base.metadata):
        raise RefusedError(f"There is a table {names.table!r} already.")
    if names.model in {mapper.class_.__name__ for mapper in Base.registry.mappers}:
        raise RefusedError(f"There is a model {names.model} already.")
    for path in (f"app/features/{names.plural}", *fill(names)):
        if (ROOT / path).exists():
            raise RefusedError(f"{path} exists already: remove it, or choose another name.")


def _tables(metadata: MetaData) -> set[str]:
    return {table.name for table in metadata.tables.values()}


def _another(name: str) -> str:
    return f"add a word, such as shop_{name}."
