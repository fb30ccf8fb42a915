"""Migration tests fill every table with a row, whatever its columns and checks."""

import re

from devkit.testing.migrating import Migrating
from devkit.testing.rows import fill

TABLES = """
CREATE SCHEMA audit
CREATE TABLE times (a timestamptz NOT NULL, b date NOT NULL, c time NOT NULL, d interval NOT NULL)
CREATE TABLE others (a tstzrange NOT NULL, b text[] NOT NULL, c inet NOT NULL, d point NOT NULL)
CREATE TABLE numbers (a int NOT NULL, b int NOT NULL, CHECK (a BETWEEN 5 AND 9 AND b > a))
CREATE TABLE words (a text NOT NULL CHECK (a IN ('it''s', 'so')), b int, c int, CHECK (num_nulls(b, c) = 1))
CREATE TABLE itself (id uuid PRIMARY KEY DEFAULT uuidv7(), a uuid NOT NULL REFERENCES itself)
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b), c int NOT NULL, FOREIGN KEY (a, c) REFERENCES pairs)
CREATE TABLE generated (a int GENERATED ALWAYS AS IDENTITY, b int GENERATED ALWAYS AS (1) STORED NOT NULL)
CREATE TABLE parted (a date NOT NULL DEFAULT now()) PARTITION BY RANGE (a)
CREATE TABLE part PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')
"""


async def test_a_row_is_made_whatever_the_table(own_revisions: Migrating) -> None:
    own_revisions.write("r1", f"op.execute({TABLES!r})", 'op.execute("DROP SCHEMA audit CASCADE")')
    own_revisions.write("r2", "pass")

    await own_revisions.climb(fill)

    for table in re.findall(r"CREATE TABLE (\w+)", TABLES):
        assert await own_revisions.fetch(f"SELECT count(*) FROM audit.{table}") == [(1,)], table
