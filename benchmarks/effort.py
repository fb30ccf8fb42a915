"""How much is measured: enough to quote, or just enough to see that it works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    rounds: int = 5
    warm_up: float = 0.5
    seconds: float = 1.5
    """Of load, each time."""
    soak: float = 60.0
    """Seconds of steady load, to see memory grow."""
    share: float = 1.0
    """Of the tests that are generated."""


SMOKE = Effort(rounds=1, warm_up=0.5, seconds=1.0, soak=3.0, share=0.02)
