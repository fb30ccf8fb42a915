"""Fill a development database with each feature's example rows: ``make seed``."""

import asyncio
import sys

from app.core.db.database import open_database
from app.features import load_models, seeds
from app.settings import Settings


async def main() -> int:
    settings = Settings()
    if settings.environment == "production":
        print("ENVIRONMENT is production: example rows are for development.", file=sys.stderr)
        return 2
    load_models()
    async with open_database(settings) as database, database.transaction() as session:
        for feature, seed in seeds().items():
            await seed(session)
            print(f"{feature}: there are example rows")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
