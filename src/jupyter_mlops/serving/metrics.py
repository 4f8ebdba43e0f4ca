"""Metrics of one server in Prometheus' text format.

Written by hand: the client library would be one more thing in every serving image.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STARTED = time.time()
_Labels = tuple[str, ...]


class Counter:
    """A number that grows, for each combination of label values."""

    kind = "counter"

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:
        self.name, self.help, self.labels = name, help, tuple(labels)
        self._values: dict[_Labels, float] = {}
        self._lock = threading.Lock()

    def add(self, *labels: str, by: float = 1) -> None:
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + by

    def samples(self) -> Iterator[str]:
        for labels, value in sorted(self._values.items()):
            yield _sample(self.name, zip(self.labels, labels, strict=True), value)


class Gauge(Counter):
    """A number that also falls."""

    kind = "gauge"

    def set(self, value: float, *labels: str) -> None:
        with self._lock:
            self._values[labels] = value


class Histogram:
    """Counts of durations, in seconds, up to each of `SECONDS`."""

    kind = "histogram"

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:
        self.name, self.help, self.labels = name, help, tuple(labels)
        self._counts: dict[_Labels, list[int]] = {}
        self._sums: dict[_Labels, float] = {}
        self._lock = threading.Lock()

    def observe(self, seconds: float, *labels: str) -> None:
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * (len(SECONDS) + 1))
            counts[bisect_left(SECONDS, seconds)] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + seconds

    def samples(self) -> Iterator[str]:
        for labels, counts in sorted(self._counts.items()):
            named = list(zip(self.labels, labels, strict=True))
            total = 0
            for bound, count in zip((*map(str, SECONDS), "+Inf"), counts, strict=True):
                total += count
                yield _sample(f"{self.name}_bucket", [*named, ("le", bound)], total)
            yield _sample(f"{self.name}_sum", named, self._sums[labels])
            yield _sample(f"{self.name}_count", named, total)


class Metrics:
    """What one server counts."""

    def __init__(self, endpoint: str, release: str) -> None:
        self.release = Gauge(
            "mlops_release_info", "The release that is served.", ("endpoint", "release")
        )
        self.release.set(1, endpoint, release)
        self.requests = Counter("mlops_requests_total", "Answered requests.", ("route", "status"))
        self.seconds = Histogram(
            "mlops_request_seconds", "Time from a request's head to its answer's end.", ("route",)
        )
        self.in_flight = Gauge("mlops_requests_in_flight", "Requests that wait for their answer.")
        self.in_flight.set(0)
        self.predictions = Counter("mlops_predictions_total", "Acknowledged predictions, in rows.")
        self.model_seconds = Histogram(
            "mlops_model_seconds", "Time that the served function took for one request."
        )
        self.invalid = Counter(
            "mlops_invalid_values_total",
            "Refused values; an unknown column counts as `?`.",
            ("column",),
        )
        self.surprises = Counter(
            "mlops_unseen_values_total",
            "Values that the training data did not have, by kind: below, above or unknown.",
            ("column", "kind"),
        )
        self.memory = Gauge("process_resident_memory_bytes", "Resident memory.")
        self.started = Gauge("process_start_time_seconds", "Start, since the Unix epoch.")
        self.started.set(_STARTED)

    def text(self) -> str:
        """Return all metrics as Prometheus reads them."""
        self.memory.set(_resident_bytes())
        lines: list[str] = []
        for metric in vars(self).values():
            lines += [
                f"# HELP {metric.name} {metric.help}",
                f"# TYPE {metric.name} {metric.kind}",
                *metric.samples(),
            ]
        return "\n".join(lines) + "\n"


def _sample(name: str, labels: Iterable[tuple[str, str]], value: float) -> str:
    inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{inner}}} {value}" if inner else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # only Linux has it
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
