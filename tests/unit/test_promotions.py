"""Promotions as processes: what they say, how they end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces import job as jobs
from jupyter_mlops.faces.promotions import Promotion, Promotions, release_view

MANIFEST = {
    "name": "flights",
    "version": 2,
    "run": "flights-1",
    "model_version": 3,
    "images": {"serving": "mlops/flights-serving:2"},
    "target": "local",
    "proof": {"words": "6 of 6 equal"},
    "metrics": {"mae": 1.5},
    "files": {},
}
EVENT: dict[str, Any] = {
    "stage": "run",
    "message": "running",
    "status": "started",
    "seconds": None,
    "data": {},
}
LOG = logging.getLogger("test-jobs")


def promotions(program: str) -> Promotions:
    return Promotions([sys.executable, "-c", program, "{notebook}"], LOG)


async def ended(promotion: Promotion) -> None:
    while promotion.status == "running":
        await asyncio.sleep(0.02)


def promote(program: str, folder: Path) -> Promotion:
    async def run() -> Promotion:
        promotion = await promotions(program).start(folder / "a.ipynb", "a.ipynb", folder)
        await ended(promotion)
        return promotion

    return asyncio.run(run())


def saying(*lines: Any) -> str:
    return "import sys\n" + "\n".join(f"print({json.dumps(line)!r})" for line in lines)


def test_events_then_a_release(tmp_path: Path) -> None:
    view = promote(saying(EVENT, {"stage": "result", "data": MANIFEST}), tmp_path).view()
    assert view.status == "done"
    assert [event.message for event in view.events] == ["running"]
    assert view.result is not None
    assert view.result.ref == "flights/2"
    assert view.result.model_version == "3"
    assert view.result.proof == "6 of 6 equal"
    assert view.error is None


def test_an_error_of_ours(tmp_path: Path) -> None:
    error = MlopsError("promote.gate", "Refused: mae is 9.", hint="mend it.").to_dict()
    program = saying(EVENT, {"stage": "error", "data": error}) + "\nsys.exit(1)"
    view = promote(program, tmp_path).view()
    assert view.status == "failed"
    assert view.error is not None
    assert view.error.code == "promote.gate"


def test_a_crash_is_told_in_words_and_keeps_its_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    view = promote("print('not ours'); raise RuntimeError('the disk is on fire')", tmp_path).view()
    assert view.status == "failed"
    assert view.error is not None
    assert view.error.code == "promotion.ended"
    assert "exit code 1" in view.error.message
    assert "Traceback" not in view.error.message
    assert "not ours" in view.log
    assert "the disk is on fire" in view.log
    assert "the disk is on fire" in caplog.text


def test_the_notebook_is_one_argument(tmp_path: Path) -> None:
    program = (
        "import json, sys\n"
        f"print(json.dumps({{**{EVENT!r}, 'message': sys.argv[1]}}))\n"
        f"print(json.dumps({{'stage': 'result', 'data': {MANIFEST!r}}}))"
    )

    async def run() -> str:
        path = tmp_path / "a; touch b $(c).ipynb"
        promotion = await promotions(program).start(path, path.name, tmp_path)
        await ended(promotion)
        return promotion.view().events[0].message

    assert asyncio.run(run()) == str(tmp_path / "a; touch b $(c).ipynb")


def within(
    program: str, folder: Path, check: Callable[[Promotions, Promotion], Awaitable[None]]
) -> None:
    async def run() -> None:
        all_of_them = promotions(program)
        promotion = await all_of_them.start(folder / "a.ipynb", "a.ipynb", folder)
        try:
            while not promotion.view().events:
                await asyncio.sleep(0.02)
            await check(all_of_them, promotion)
        finally:
            await all_of_them.close()

    asyncio.run(run())


def waiting(before: str = "") -> str:
    return (
        f"import json, os, signal, time\n{before}\n"
        f"print(json.dumps({{**{EVENT!r}, 'message': str(os.getpid())}}))\ntime.sleep(60)"
    )


def test_a_notebook_is_promoted_once_at_a_time(tmp_path: Path) -> None:
    async def check(all_of_them: Promotions, promotion: Promotion) -> None:
        with pytest.raises(MlopsError, match="runs already"):
            await all_of_them.start(tmp_path / "a.ipynb", "a.ipynb", tmp_path)
        await promotion.cancel()
        again = await all_of_them.start(tmp_path / "a.ipynb", "a.ipynb", tmp_path)
        assert [each.id for each in all_of_them.list("a.ipynb")] == [again.id, promotion.id]
        assert all_of_them.list("b.ipynb") == []

    within(waiting(), tmp_path, check)


def test_cancelling_ends_the_process(tmp_path: Path) -> None:
    async def check(all_of_them: Promotions, promotion: Promotion) -> None:
        pid = int(promotion.view().events[0].message)
        await promotion.cancel()
        assert promotion.status == "cancelled"
        assert promotion.view().error is None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        await promotion.cancel()  # a second click changes nothing
        assert promotion.status == "cancelled"

    within(waiting(), tmp_path, check)


def test_cancelling_ends_a_process_that_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "GRACE", 0.3)

    async def check(all_of_them: Promotions, promotion: Promotion) -> None:
        await promotion.cancel()
        assert promotion.status == "cancelled"

    within(waiting("signal.signal(signal.SIGINT, signal.SIG_IGN)"), tmp_path, check)


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    async def run() -> None:
        all_of_them = Promotions([str(tmp_path / "nothing")], LOG)
        with pytest.raises(MlopsError) as caught:
            await all_of_them.start(tmp_path / "a.ipynb", "a.ipynb", tmp_path)
        assert caught.value.code == "promotion.not-started"
        assert all_of_them.list() == []

    asyncio.run(run())


def test_an_unknown_promotion() -> None:
    with pytest.raises(MlopsError) as caught:
        promotions("").get("0" * 32)
    assert caught.value.code == "promotion.unknown"


@given(
    st.dictionaries(
        st.sampled_from([*MANIFEST, "other"]),
        st.none() | st.text(max_size=3) | st.integers() | st.lists(st.none(), max_size=1),
    )
)
def test_a_manifest_is_a_release_or_refused(changes: dict[str, Any]) -> None:
    try:
        view = release_view({**MANIFEST, **changes})
    except ValueError:
        return
    assert view.ref.count("/") >= 1
