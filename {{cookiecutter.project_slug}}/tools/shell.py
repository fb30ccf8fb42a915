"""A Python prompt with a session on the database, and ``await`` at top level: ``make shell``."""

import asyncio
import code
import inspect
import readline
import rlcompleter
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from types import CodeType, FunctionType
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import create_engine
from app.core.models import Base
from app.features import load_models
from app.settings import Settings

BANNER = """
session, settings, select, func, text; {models}
    await session.scalar(select(func.now()))
Nothing is kept until you say: await session.commit()
"""


class Console(code.InteractiveConsole):
    """Python's own asyncio prompt takes no names; this one does, and runs each input to its end."""

    def __init__(self, runner: asyncio.Runner, names: dict[str, Any]) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= PyCF_ALLOW_TOP_LEVEL_AWAIT
        self.runner = runner

    def runcode(self, code: CodeType) -> None:
        try:
            result = FunctionType(code, self.locals)()
            if inspect.iscoroutine(result):
                self.runner.run(result)
        except SystemExit:
            raise
        except BaseException:  # Ctrl-C too ends what runs, and not the prompt
            self.showtraceback()


def main() -> None:
    load_models()
    models = {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}
    # Whoever types is slower than any deadline between two statements.
    settings = Settings().model_copy(update={"database_idle_transaction_timeout": None})
    engine = create_engine(settings)
    session = AsyncSession(engine, expire_on_commit=False)
    names = {"session": session, "settings": settings, "select": select, "func": func, "text": text}
    names |= models
    readline.set_completer(rlcompleter.Completer(names).complete)
    readline.parse_and_bind("tab: complete")
    with asyncio.Runner() as runner:
        banner = BANNER.format(models=", ".join(sorted(models)) or "no models yet")
        Console(runner, names).interact(banner=banner, exitmsg="")
        runner.run(session.close())
        runner.run(engine.dispose())


if __name__ == "__main__":
    sys.exit(main())
