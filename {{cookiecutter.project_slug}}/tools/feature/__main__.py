"""Write a feature: ``python -m tools.feature PLURAL [SINGULAR]``."""

import sys

from app.settings import ROOT
from tools.feature.files import fill, formatted, write
from tools.feature.refusals import RefusedError, names_of

USAGE = "Say what it is called, in the plural: make feature name=orders"

NEXT = """
Next:
    make migrate                    # so that a difference to the models can only be yours
    make migration m="create {}"    # then read it
    make test"""


def main(arguments: list[str]) -> int:
    given = [argument for argument in arguments if argument]
    if not 1 <= len(given) <= 2:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        names = names_of(*given)
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 2
    texts = {path: formatted(path, text) for path, text in fill(names).items()}
    write(ROOT, texts)
    print("\n".join(texts), NEXT.format(names.plural.replace("_", " ")), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
