"""A real kernel in a process of its own, driven cell by cell as a front end does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager


class Kernel:
    """A kernel that runs the cells of one notebook."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)  # type: ignore[union-attr]

    def run(self, source: str, cell: str | None = None) -> tuple[dict[str, Any], str]:
        """Execute a cell, and return the reply and what it printed or showed as text."""
        self.client.session.metadata["cellId"] = cell
        texts: list[str] = []

        def output(message: dict[str, Any]) -> None:
            content = message["content"]
            texts.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

        reply = self.client.execute_interactive(
            source, timeout=120, output_hook=output, allow_stdin=False
        )
        return reply["content"], "".join(texts)

    def start(self, source: str, cell: str | None = None) -> None:
        """Send a cell, and do not wait for its end."""
        self.client.session.metadata["cellId"] = cell
        self.client.execute(source)


@contextmanager
def start_kernel(folder: Path, environment: Mapping[str, str]) -> Iterator[Kernel]:
    """Start a kernel in ``folder``; it is shut down, as by a front end, at the end."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env={**os.environ, **environment})
    kernel = Kernel(manager)
    try:
        yield kernel
    finally:
        kernel.client.stop_channels()
        if manager.is_alive():
            manager.shutdown_kernel()
        manager.cleanup_resources()
