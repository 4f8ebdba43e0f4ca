"""The client that runs a notebook's cells on a kernel with capture."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jupyter_core.utils import ensure_async, run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient

from ..errors import MlopsError, Place
from .failure import line_in_cell
from .order import Order
from .saving import SparingManager

# Not `%load_ext`: IPython would then greet the notebook's own `%load_ext` with a complaint.
_LOAD = "__import__('jupyter_mlops').load_ipython_extension(get_ipython())"
_SETTLE_SECONDS = 5.0
_SHOWN = frozenset({"stream", "display_data", "execute_result", "update_display_data", "error"})


class CapturingClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client, which starts capture silently and names each cell to it."""

    def __init__(self, manager: SparingManager, order: Order, **options: Any) -> None:
        super().__init__(manager, **options)
        self.order = order
        self.manager = manager
        self.running: tuple[int, Any] | None = None
        self.is_broken_off = False
        self.on_cell_execute = self._before_cell
        self._redactor = order.redactor()
        manager.redactor = self._redactor

    def create_kernel_manager(self) -> Any:
        manager = super().create_kernel_manager()
        if manager.has_trait("transport_encryption"):
            manager.transport_encryption = "auto"
        return manager

    def start_new_kernel(self, **options: Any) -> None:
        """Start the kernel's process; raises ``rerun.kernel-died`` where it cannot be."""
        try:
            super().start_new_kernel(**options)
        except OSError as error:
            raise self._not_started(f"{error.strerror}: {error.filename}") from None

    def start_new_kernel_client(self) -> Any:
        """Connect to the started kernel; raises ``rerun.kernel-died`` where it never answers."""
        try:
            return super().start_new_kernel_client()
        except (RuntimeError, TimeoutError) as error:
            raise self._not_started(str(error)) from None

    async def _async_cleanup_kernel(self) -> None:
        """End the kernel; one that has nothing left to run ends by itself.

        jupyter_client interrupts every kernel first: that cuts off what a kernel does after its
        last cell, and leaves a `KeyboardInterrupt` in its log.
        """
        if not self.is_broken_off and await ensure_async(self.km.is_alive()):
            await ensure_async(self.km.request_shutdown())
            await ensure_async(self.km.finish_shutdown())
        await super()._async_cleanup_kernel()

    _cleanup_kernel = run_sync(_async_cleanup_kernel)

    def papermill_execute_cells(self) -> None:
        """Run the cells; a dead kernel, a timeout and an interrupt end with the cell named."""
        self._load_capture()
        try:
            with self._interrupts_reach_the_cell():
                super().papermill_execute_cells()
        except DeadKernelError:
            raise self._broken_off(
                "rerun.kernel-died",
                "DeadKernelError",
                "The kernel died while this cell ran.",
                "look whether the cell needs more memory than there is, or calls native code "
                "that crashes.",
            ) from None
        except CellTimeoutError:
            run_sync(self._settle)()
            raise self._broken_off(
                "rerun.timeout",
                "CellTimeoutError",
                "The cell took longer than the execution timeout allows.",
                "give it more time, or less to do.",
            ) from None
        except (KeyboardInterrupt, SystemExit):
            run_sync(self._settle)()
            error = self._broken_off("rerun.interrupted", "KeyboardInterrupt", "Interrupted.", "")
            self.log.warning(f"Interrupted at {error.place}; what was done is kept.")
            raise
        except MlopsError as error:
            if error.code != "rerun.not-saved":
                raise
            # A run whose notebook is not where it was wanted has not finished.
            self.is_broken_off = True
            run_sync(self._kill)()
            raise MlopsError(
                error.code, error.message, hint=error.hint, place=self._place()
            ) from error
        finally:
            self.order.interrupt = self.order.kill = None

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Take what the kernel sends, without the secrets that the run was given."""
        if self._redactor and msg["msg_type"] in _SHOWN:
            msg["content"] = self._redactor.all(msg["content"])
        return super().process_message(msg, cell, cell_index)

    async def async_execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Run a cell, unless one of its tags says that it is left out."""
        if self.order.without.intersection(cell.metadata.get("tags", ())):
            return cell
        late = asyncio.create_task(self.manager.save_late())
        try:
            return await super().async_execute_cell(cell, cell_index, **options)
        except CellExecutionError as error:
            if not any(output.output_type == "error" for output in cell.outputs):
                # IPython prints some errors, such as a magic's wrong use, instead of showing them.
                output = new_output(  # type: ignore[no-untyped-call]
                    "error",
                    ename=error.ename,
                    evalue=error.evalue,
                    traceback=[f"{error.ename}: {error.evalue}"],
                )
                cell.outputs.append(output)
            raise
        finally:
            late.cancel()
            with suppress(asyncio.CancelledError):
                await late

    execute_cell = run_sync(async_execute_cell)

    def _not_started(self, reason: str) -> MlopsError:
        return MlopsError(
            "rerun.kernel-died",
            f"The kernel `{self.kernel_name}` did not start: {reason}.",
            hint="is its environment still there, with ipykernel in it? "
            "`jupyter kernelspec list` names its folder.",
            place=self.order.notebook.place(),
        )

    def _load_capture(self) -> None:
        kernel = self.kc
        reply = self.wait_for_reply(kernel.execute(_LOAD, silent=True, store_history=False))
        content = reply["content"] if reply else {"status": "error", "ename": "no answer"}
        if content["status"] == "ok":
            self.order.captured = True
            return
        place = self.order.notebook.place()
        if content["ename"] == "ModuleNotFoundError" and "jupyter_mlops" in content["evalue"]:
            raise MlopsError(
                "rerun.no-capture",
                f"The environment of kernel `{self.kernel_name}` has no jupyter-mlops.",
                hint="run `%pip install jupyter-mlops` on that kernel, or choose another one.",
                place=place,
            )
        raise MlopsError(
            "rerun.no-capture",
            f"Capture could not start on kernel `{self.kernel_name}`: "
            f"{content['ename']}: {content.get('evalue', '')}.",
            hint="run `%load_ext jupyter_mlops` on that kernel to see the whole traceback.",
            place=place,
        )

    async def _before_cell(self, cell: Any, cell_index: int) -> None:
        loop = asyncio.get_running_loop()
        kernel = self.km

        def ask(what: Any) -> None:
            asyncio.run_coroutine_threadsafe(ensure_async(what), loop)

        self.order.interrupt = lambda: ask(kernel.interrupt_kernel())
        self.order.kill = lambda: ask(kernel.shutdown_kernel(now=True))
        self.running = (cell_index, cell)
        if self.order.stopped.is_set():
            raise CellExecutionError("", "KeyboardInterrupt", "stopped before this cell")
        self.kc.session.metadata["cellId"] = cell.id
        if self.order.on_cell is not None:
            self.order.on_cell(self.order.originals[cell_index])

    @contextmanager
    def _interrupts_reach_the_cell(self) -> Iterator[None]:
        """Let what ends this process end the running cell first: an interrupt, or a termination.

        Raised where it comes, it would tear the loop that talks to the kernel. A second one is.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        came = 0

        def interrupt(number: int, _: object) -> None:
            nonlocal came
            came = number
            signal.signal(number, before[signal.Signals(number)])
            self.order.stop()

        for number in before:
            signal.signal(number, interrupt)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if came == signal.SIGINT:
            raise KeyboardInterrupt
        if came:
            raise SystemExit(128 + came)

    async def _kill(self) -> None:
        await ensure_async(self.km.shutdown_kernel(now=True))

    async def _settle(self) -> None:
        """Interrupt the kernel and give the cell a moment, so that capture sees it end."""
        await ensure_async(self.km.interrupt_kernel())
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            done, pending = await asyncio.wait(left, timeout=_SETTLE_SECONDS)
            for task in pending:
                task.cancel()
            await asyncio.gather(*done, *pending, return_exceptions=True)

    def _broken_off(self, code: str, name: str, message: str, hint: str) -> MlopsError:
        """Mark the running cell as failed, with an output that says why, and return the error."""
        self.is_broken_off = True
        if self.running is None:
            return MlopsError(code, message, hint=hint, place=self._place())
        index, cell = self.running
        if not any(output.output_type == "error" for output in cell.outputs):
            text = f"{name}: {message}"
            output = new_output(  # type: ignore[no-untyped-call]
                "error", ename=name, evalue=message, traceback=[text]
            )
            cell.outputs.append(output)
        self.nb_man.cell_exception(cell, cell_index=index)
        return MlopsError(code, message, hint=hint, place=self._place())

    def _place(self) -> Place:
        """Return the running cell, and the line that it failed at."""
        if self.running is None:
            return self.order.notebook.place()
        index, cell = self.running
        errors = [output for output in cell.outputs if output.output_type == "error"]
        line = None
        if errors:
            line = line_in_cell(errors[-1].traceback, cell.execution_count, cell.source)
        return self.order.notebook.place(self.order.originals[index], line)
