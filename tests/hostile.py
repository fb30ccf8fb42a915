"""What people, keyboards and attackers write where text is asked for."""

HOSTILE = """"'\\ \\" \\n ${HOME} $(id) `id` {{ 7*7 }} {% if %} {# #} #% if <b> é 🚀 שלום \u202e\ufeff %s"""
"""A line that may be typed as a name, and that has a trap for every format it is written to."""

LINES = {
    # quotes and escapes
    "an apostrophe": "Ada O'Brien",
    "a double quote": 'Ada "the Countess" Byron',
    "a quote alone": '"',
    "three single quotes": "three ''' quotes",
    "three double quotes": 'three """ quotes',
    "a backslash at the end": "a path C:\\",
    "backslashes that mean something": "\\n \\t \\x00 \\u0041 \\N{BULLET} \\",
    # Jinja, shells, and formats that replace
    "an expression of Jinja": "{{ 7*7 }} {{ cookiecutter }}",
    "a statement of Jinja": "{% if %} {% raw %}",
    "a comment of Jinja": "{# gone #}",
    "a line statement of this template": "#% if cookiecutter",
    "a variable of the shell": "${HOME} $HOME $$",
    "a command of the shell": "$(id) `id` ; id && id | id > id",
    "percent signs": "100% %s %(here)s %%",
    "str.format": "{} {0} {x.__class__}",
    # YAML, TOML, HTML, Markdown
    "what YAML takes for a mapping": "key: value # no comment",
    "what YAML takes for an alias": "*alias &anchor !tag",
    "what YAML takes for something else": "no",
    "a number": "007",
    "what TOML takes for a table": "[project] # x = 1",
    "a tag of HTML": "<b>bold</b><script>alert(1)</script>",
    "the begin of a comment of HTML": "<!-- the rest is gone",
    "an entity of HTML": "AT&amp;T &lt;",
    "a heading of Markdown": "# heading #",
    "a list of Markdown": "- a list",
    "a numbered list of Markdown": "1. a list",
    "a quotation of Markdown": "> quotation",
    "a line under a heading": "===",
    "a fence of Markdown": "``` ~~~",
    "emphasis and links of Markdown": "*a* _b_ [c](d) ![e](f) <https://g.h>",
    # letters of the world
    "letters with accents": "Zoë Dvořák, Łódź",
    "accents of their own": "Zoe\u0308 e\u0301\u0327\u0323",
    "other scripts": "北京 Москва ไทย हिन्दी",
    "emoji": "🚀 👩‍👩‍👧 🏳️‍🌈",
    "text from right to left": "שלום עולם السلام",
    "marks that turn the text around": "admin\u202e\u2066 nimda\u2069\u200f\u061c",
    "invisible characters": "a\u200bb\ufeffc\u00add\u00a0e",
    "characters that no standard has yet": "\ufffe \uffff \U0010fffe \ue000",
    # size and place
    "spaces around": "  spaces around  ",
    "5,000 characters": "x" * 5000,
    "everything": HOSTILE,
}
"""One line each, by what is hostile about it; each may be an answer."""

NO_LINES = {
    "a newline": "two\nlines",
    "a newline at the end": "a line\n",
    "a carriage return": "two\rlines",
    "a tab": "two\twords",
    "a NUL": "two\0words",
    "an escape": "\x1b[31mred",
    "a backspace": "two\bwords",
    "a delete": "two\x7fwords",
    "a control of C1": "two\x85lines",
    "a line separator": "two\u2028lines",
    "a paragraph separator": "two\u2029paragraphs",
    "half of a character": "half \udcff",
    "nothing": "",
    "a space": " ",
}
"""What cannot be an answer, by the reason."""

PAYLOADS = [
    '"""); open("marker", "w"); ("""',
    '\\"""); open("marker", "w"); (r"""',
    "''' + str(open('marker', 'w')) + '''",
    '{{ cycler.__init__.__globals__.os.system("touch marker") }}',
    '{% set x = cycler.__init__.__globals__.os.system("touch marker") %}',
    '#% set x = cycler.__init__.__globals__.os.system("touch marker")',
    "$(touch marker) `touch marker` ; touch marker",
    "]]]}}%} --> */",
]
"""Text that makes a file named marker where somebody takes it for code."""
