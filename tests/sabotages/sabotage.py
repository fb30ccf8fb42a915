from typing import NamedTuple


class Sabotage(NamedTuple):
    """Replace ``old``, which stands once in ``file``, and ``caught_by`` fails."""

    promise: str
    file: str
    old: str
    new: str
    caught_by: str
