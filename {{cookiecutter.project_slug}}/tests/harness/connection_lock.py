"""Connection lock: the sessions of one test share a connection, one block at a time."""

from app.core.db.connection_queue import ConnectionQueue
from app.core.db.scope import Block

TIMEOUT = 5.0
"""Seconds that a block waits for others; each takes milliseconds."""


class SandboxError(Exception):
    """The sandbox cannot do what production does; the message says what to write instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} Mark the test with @pytest.mark.committed.")


class ConnectionLock(ConnectionQueue):
    """Queue in front of a single connection, which no block gets twice."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        super().__init__(1, timeout)
        self.holder: Block | None = None
        self.refused: SandboxError | None = None
        """The last error, in case that the application has caught it."""

    def refuse(self, reason: str) -> SandboxError:
        """Return an error, and remember it."""
        self.refused = SandboxError(reason)
        return self.refused

    def check_second(self, block: Block) -> None:
        holders = " and ".join(holder.name for holder in block.scope.holders[:-1])
        raise self.refuse(
            f"{block.name} needs a second connection, while {holders} holds the sandbox's only one."
        )

    def busy(self, block: Block) -> Exception:
        holder = self.holder.name if self.holder else "another block"
        return self.refuse(
            f"{block.name} has waited {self._timeout:g} s for the sandbox's only connection, which"
            f" {holder} holds."
        )
