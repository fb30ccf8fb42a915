"""The names of a feature: the plural is its folder, table and route, the singular one row."""

import re
from dataclasses import dataclass
from pathlib import Path

PLURALS = Path(__file__).with_name("plurals.txt").read_text("utf-8")
IRREGULAR: dict[str, str] = dict(re.findall(r"^(\w+) (\S+)$", PLURALS, re.MULTILINE))

RULES = [
    (r"(ss|us|is)$", None),  # address, status, analysis: may be a singular itself
    (r"(?<=[^aeiou])ies$", "y"),  # categories
    (r"yses$", "ysis"),  # analyses
    (r"(?<=[tnr]ch)es$|(?<=ss|sh)es$|(?<=x)es$", ""),  # batches, addresses, boxes
    (r"(u|o|v|ch|zz)es$|uses$", None),  # shoes or heroes, leaves or moves: no rule knows
    (r"s$", ""),
]


def singular_of(plural: str) -> str | None:
    """Return the singular, or None where no rule is sure of it."""
    first, line, last = plural.rpartition("_")
    one = IRREGULAR.get(last) or _by_rule(last)
    return None if one in (None, "?") else first + line + one


def _by_rule(plural: str) -> str | None:
    for ending, instead in RULES:
        if re.search(ending, plural):
            return re.sub(ending, instead, plural) if instead is not None else None
    return None


AN = re.compile(r"[aeio]|u(?!ni|s[eu]|til)|hour|honest|heir")
A = re.compile(r"eu|one\b|once")
"""By sound: an hour and an update, a user, a unit and a one-off."""


@dataclass(frozen=True)
class Names:
    """In snake_case, of one or more words."""

    plural: str
    singular: str

    @property
    def table(self) -> str:
        return self.plural

    @property
    def path(self) -> str:
        """The route, without its slash."""
        return self.plural.replace("_", "-")

    @property
    def model(self) -> str:
        """The class of a row."""
        return "".join(word.capitalize() for word in self.singular.split("_"))

    @property
    def blanks(self) -> dict[str, str]:
        """What fills each blank of the texts in blanks/."""
        one, many = self.singular.replace("_", " "), self.plural.replace("_", " ")
        article = "an" if AN.match(one) and not A.match(one) else "a"
        return {
            "things": self.plural,
            "thing": self.singular,
            "Thing": self.model,
            "path": self.path,
            "one": one,
            "many": many,
            "Many": many.capitalize(),
            "a": article,
            "A": article.capitalize(),
        }
