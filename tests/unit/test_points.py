from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.capture.records import Metric
from jupyter_mlops.tracking.points import Point, Points

METRICS = st.lists(
    st.builds(
        Metric,
        time=st.integers(1000, 1003).map(lambda number: number / 1000),
        order=st.just(1),
        name=st.sampled_from("ab"),
        value=st.sampled_from([0.5, 1.0, math.nan]),
        step=st.integers(0, 1),
    ),
    max_size=40,
).map(lambda found: sorted(found, key=lambda metric: metric.time))


def _key(point: Point) -> tuple[object, ...]:
    return (*point[:1], str(point.value), *point[2:])


@given(metrics=METRICS)
def test_no_two_points_are_the_same_and_none_is_lost(metrics: list[Metric]) -> None:
    points, again = Points(), Points()
    for metric in metrics:
        points.add(metric)
        again.add(metric)
    found = points.next(1000)
    assert [_key(point) for point in found] == [_key(point) for point in again.next(1000)]
    assert max(Counter(map(_key, found)).values(), default=1) == 1
    assert [(point.name, point.step) for point in found] == [(m.name, m.step) for m in metrics]
    assert all(point.time >= int(m.time * 1000) for point, m in zip(found, metrics, strict=True))


@given(count=st.integers(0, 20), sent=st.lists(st.integers(0, 25), max_size=5))
def test_what_was_sent_is_forgotten(count: int, sent: list[int]) -> None:
    points = Points()
    for step in range(count):
        points.add(Metric(time=1.0, order=1, name="a", value=1.0, step=step))
    for number in sent:
        points.forget(number)
    gone = min(max(sent, default=0), count)
    assert (points.forgotten, len(points), points.read) == (gone, count - gone, count)
    assert [point.step for point in points.next(3)] == list(range(gone, count))[:3]


def test_a_value_repeated_for_long_takes_no_room_and_no_time() -> None:
    points = Points()
    for number in range(100_000):
        # Ten of them within each millisecond, so that their times run ahead.
        points.add(Metric(time=number / 10_000, order=1, name="a", value=1.0, step=0))
        points.add(Metric(time=number / 10_000, order=1, name="b", value=number, step=number))
        points.forget(number)
    assert len(points._times) < 250_000
