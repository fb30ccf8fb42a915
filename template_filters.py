"""The Jinja filters of this template; cookiecutter loads ``Filters``."""

import re
import runpy
import sys
from pathlib import Path

import click
from jinja2 import Environment
from jinja2.ext import Extension
from slugify import slugify  # cookiecutter brings it

# The rules are the pre-gen hook's own. Cookiecutter runs that after it has made the folder, wherever
# the slug points, so they are asked earlier too: while the answers are given, with nothing on disk.
rules = runpy.run_path(str(Path(__file__).parent / "hooks" / "pre_gen_project.py"))
refusal, SLUG_LENGTH = rules["refusal"], rules["SLUG_LENGTH"]

UNSAFE = re.compile(
    r'["\\]'
    r"|[\x00-\x1f\x7f-\x9f\u2028\u2029]"  # controls and line ends
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # text that reads in another order than it is
    r"|[\ufeff\ufffe\uffff]"  # a byte order mark, and what YAML calls unprintable
)

MARKUP = re.compile(
    r"[\\`*_\[\]~]"
    r"|<(?=[A-Za-z/!?])"  # a tag, an address, a comment
    r"|&(?=#?\w+;)"  # a character by its name
    r"|(?<!\S)#"  # a heading, and the end of one
    r"|^ *[-+>=]"  # a list, a quotation, a line under a heading
    r"|^ *\d+[.)]"  # a numbered list
)


def checked(answers: dict[str, str]) -> str:
    """Stop with one line on stderr when an answer given so far cannot be used."""
    if reason := refusal(answers):
        raise click.ClickException(reason)
    return ""


def quoted(text: str) -> str:
    """Escape text for the inside of a double-quoted string, the same in TOML, YAML and JSON."""
    return UNSAFE.sub(
        lambda match: "\\" + match[0] if match[0] in '"\\' else f"\\u{ord(match[0]):04x}", text
    )


def prose(text: str) -> str:
    """Escape a line of text for Markdown, which shows it as it was given."""
    escaped = MARKUP.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", text)
    # Markdown takes the spaces around a line away, and makes code of a line that begins with four.
    return re.sub(r"^\s|\s$", lambda match: f"&#{ord(match[0])};", escaped)


def proposed_slug(name: str) -> str:
    """Make a slug that is not refused, whatever the name."""
    slug = slugify(name, max_length=SLUG_LENGTH, word_boundary=True)
    with_a_letter_first = f"service-{slug}"[:SLUG_LENGTH].rstrip("-")
    proposals = (slug, f"{slug}-service", with_a_letter_first, "service")
    return next(slug for slug in proposals if not refusal({"project_slug": slug}))


class Filters(Extension):
    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        filters = (checked, prose, proposed_slug, quoted)
        environment.filters.update({function.__name__: function for function in filters})
        # cruft bakes an old and a new state of the template in one process: each gets its own filters.
        sys.modules.pop(__name__, None)
