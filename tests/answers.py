"""The sets of answers that are baked and run; together they give every answer that can be chosen."""

from typing import Any

from tests.hostile import HOSTILE

ANSWERS = {
    "defaults": {},
    "gitlab": {"project_name": "Stock", "license": "BSD-3-Clause", "ci": "gitlab"},
    "no-ci": {"project_name": "Billing", "license": "Proprietary", "ci": "none"},
    "hostile": {
        "project_name": HOSTILE,
        "project_slug": "a-slug-of-forty-characters-and-no-more-x",
        "description": f"described as {HOSTILE}",
        "author_name": f"written by {HOSTILE}",
        "author_email": "o'brien+{{7*7}}$`id`#%{if}@exämple.org",  # an address, if a strange one
        "license": "Apache-2.0",
    },
}


def choices(questions: dict[str, Any]) -> dict[str, list[str]]:
    """The questions that offer answers to choose from."""
    return {
        name: offered
        for name, offered in questions.items()
        if isinstance(offered, list) and not name.startswith("_")
    }
