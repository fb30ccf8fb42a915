"""What a page of Markdown links to, and what of it can be linked to."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token


def links(page: Path) -> list[str]:
    """Where its links and pictures lead."""
    return [
        str(address)
        for token in _tokens(page)
        for address in (token.attrGet("href"), token.attrGet("src"))
        if address is not None
    ]


def anchors(page: Path) -> set[str]:
    """The names that GitHub and GitLab give to its headings."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    headings = [
        following.content for token, following in pairwise(tokens) if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def _tokens(page: Path) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()
