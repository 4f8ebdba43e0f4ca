"""Competitors measured side by side in one run, round by round."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Times:
    """Wall times of one competitor, in seconds."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def race(competitors: Mapping[str, Callable[[], None]], *, rounds: int = 5) -> list[Times]:
    """Time every competitor once per round, the order turned by one in each round."""
    found: dict[str, list[float]] = {name: [] for name in competitors}
    names = list(competitors)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            start = time.perf_counter()
            competitors[name]()
            found[name].append(time.perf_counter() - start)
    return [Times(name, tuple(seconds)) for name, seconds in found.items()]


def table(title: str, times: Sequence[Times], *, against: str) -> str:
    """Return a Markdown table: medians, spread, and the ratio to the competitor ``against``."""
    base = next(each.median for each in times if each.name == against)
    lines = [
        f"### {title}",
        "",
        f"| | median s | fastest – slowest | × {against} |",
        "|---|---|---|---|",
    ]
    for each in times:
        spread = f"{min(each.seconds):.3f} – {max(each.seconds):.3f}"
        ratio = each.median / base
        lines.append(f"| {each.name} | {each.median:.3f} | {spread} | {ratio:.2f} |")
    return "\n".join([*lines, ""])


def run(command: Sequence[str | Path], cwd: Path) -> None:
    """Run a command to its end; what it printed is shown only where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}")
