from __future__ import annotations

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.tracking.patience import Patience

AWAY = MlopsError("store.unreachable", "away")


def test_a_server_away_for_an_hour_is_asked_every_few_seconds() -> None:
    patience, now, asked = Patience(), 50.0, 0
    while now < 3650:
        pause = patience.failed(AWAY, now)
        assert pause is not None
        assert pause <= 5
        now, asked = now + pause, asked + 1
    assert asked >= 700


def test_a_store_that_refuses_is_tried_ever_more_rarely() -> None:
    patience, now, pauses = Patience(), 0.0, []
    while (pause := patience.failed(OSError("no"), now)) is not None:
        now += pause
        pauses.append(pause)
    assert pauses[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert 86_400 < now < 86_500


def test_after_a_success_it_begins_anew() -> None:
    patience = Patience()
    for now in (0.0, 5.0, 80_000.0):
        assert patience.failed(OSError("no"), now)
    patience.succeeded()
    assert patience.since is None
    assert patience.failed(OSError("no"), 90_000.0) == 2
    assert patience.failed(OSError("no"), 100_000.0) == 4
