"""How long to wait before a store that failed is tried again, and when to leave it."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MlopsError

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_PROBE = 5.0
"""Whether a server listens again is cheap to ask."""
_GIVE_UP_SECONDS = 86_400.0
"""What waits that long is left to the next writer; the journals keep everything."""


@dataclass(slots=True)
class Patience:
    """Failures in a row; times are in seconds, of any clock that does not go back."""

    since: float | None = None
    pause: float = 0.0

    def failed(self, error: Exception, now: float) -> float | None:
        """Return how long to wait; None after a whole day of failures."""
        if self.since is None:
            self.since = now
        if now - self.since > _GIVE_UP_SECONDS:
            return None
        if isinstance(error, MlopsError) and error.code == "store.unreachable":
            self.pause = _PROBE
        else:
            self.pause = min(max(self.pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        return self.pause

    def succeeded(self) -> None:
        """Begin anew."""
        self.since, self.pause = None, 0.0
