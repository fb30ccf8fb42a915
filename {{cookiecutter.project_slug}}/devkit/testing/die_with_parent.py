"""Run a command that dies with its parent: ``python -m devkit.testing.die_with_parent COMMAND...``.

A test run that is killed closes this process's standard input, whatever else it could not do.
"""

import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())

    def end_with_starter() -> None:
        sys.stdin.read()
        child.kill()

    threading.Thread(target=end_with_starter, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
