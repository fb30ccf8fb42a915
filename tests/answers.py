"""The sets of answers that are baked and run; together they give every answer that can be chosen."""

HOSTILE = """"'\\ \\" \\n ${HOME} $(id) `id` {{ 7*7 }} {% if %} {# #} #% if <b> é 🚀 שלום \u202e\ufeff %s"""
"""A line that may be typed as a name, and that has a trap for every format it is written to."""

ANSWERS = {
    "defaults": {},
    "gitlab": {"project_name": "Stock", "license": "BSD-3-Clause", "ci": "gitlab"},
    "no-ci": {"project_name": "Billing", "license": "Proprietary", "ci": "none"},
    "hostile": {
        "project_name": HOSTILE,
        "project_slug": "a-slug-of-forty-characters-and-no-more-x",
        "description": f"described as {HOSTILE}",
        "author_name": f"written by {HOSTILE}",
        "author_email": f"mailed to {HOSTILE}",
        "license": "Apache-2.0",
    },
}
