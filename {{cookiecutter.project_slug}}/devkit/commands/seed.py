"""Fill a development database with each feature's example rows: ``make seed``."""

import asyncio
import sys

from devkit.adapter import take

open_database = take("core.db.database:open_database")
load_models = take("features:load_models")
seeds = take("features:seeds")
Settings = take("settings:Settings")


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
