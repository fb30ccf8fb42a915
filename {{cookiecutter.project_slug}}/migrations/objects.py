"""What the tests and ``make migration`` cannot know about the database by themselves: yours to edit.

Nothing is said of views, triggers, functions, policies, extensions and partitions: no model describes
them, so there is nothing to compare them with.
"""

ONLY_IN_DATABASE: dict[str, str] = {}
"""What no model describes and the database has all the same, with the reason: for instance a column
that a release stopped to use and the next one drops, ``{"column products.colour": "unused since 2.3"}``.

The names are those that the test shows: table, column, constraint, index, enum, domain, sequence. A
table stands for all that it has, a column for its indexes and constraints; ``*`` stands for any letters.
"""

ROWS: dict[str, str] = {}
"""An INSERT for a table that refuses the row which the tests make, for instance for a check that it has."""
