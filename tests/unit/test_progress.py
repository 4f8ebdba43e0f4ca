from jupyter_mlops.progress import Event, Progress, Stage, drain


def _verb() -> Progress[int]:
    stage = Stage("work")
    yield stage.started("begins")
    yield stage.done("ends", rows=3)
    return 42


def test_drain_shows_every_event_and_returns_the_result() -> None:
    seen: list[Event] = []
    assert drain(_verb(), seen.append) == 42
    assert [(event.stage, event.status) for event in seen] == [
        ("work", "started"),
        ("work", "done"),
    ]
    assert seen[1].seconds is not None
    assert seen[1].data == {"rows": 3}
