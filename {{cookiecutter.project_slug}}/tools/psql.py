"""psql on DATABASE_URL: ``make psql``. The password goes by the environment, not by the arguments."""

import os
import shutil
import sys

from sqlalchemy import make_url

from app.settings import Settings
from tools.postgres import PostgresError, find_programs


def main(arguments: list[str]) -> None:
    url = make_url(Settings().require_database_url())
    parts = {
        "PGHOST": url.query.get("host") or url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("ssl"),
    }
    os.environ.update({name: str(value) for name, value in parts.items() if value})
    program = shutil.which("psql") or str(find_programs() / "bin/psql")
    try:
        os.execv(program, [program, *arguments])
    except OSError as error:
        raise PostgresError(f"{program} cannot be run: {error.strerror}.") from None


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PostgresError as error:
        sys.exit(str(error))
