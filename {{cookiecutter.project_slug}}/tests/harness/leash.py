"""Run a command that ends when whoever started it does: ``python -m tests.harness.leash COMMAND...``.

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
