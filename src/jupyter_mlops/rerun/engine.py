"""The papermill engine ``mlops``: ``papermill --engine mlops in.ipynb out.ipynb -p depth 6``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import nbformat
from papermill.engines import NBClientEngine
from papermill.log import logger

from ..errors import MlopsError
from ..notebook.document import parse, read
from ..notebook.executed import mark
from ..notebook.parameters import check_parameters, read_parameters
from ..os_errors import explain_os_errors
from ..project import Project
from . import injection
from .client import CapturingClient
from .installed import require_kernel
from .order import Order
from .record import executed_path, prepare, record, write
from .saving import SparingManager


class EngineError(MlopsError, click.ClickException):  # type: ignore[misc]
    """An error that papermill's command line shows as a message, not as a stack."""

    exit_code = 1

    def format_message(self) -> str:
        return f"{self.code}: {self}"


class KernelDied(EngineError):
    """A dead kernel, with papermill's own exit code for it."""

    exit_code = 138


class MlopsEngine(NBClientEngine):  # type: ignore[misc]
    """Runs a notebook as papermill does, tracked as a run."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        found: str = name or nb.metadata.get("kernelspec", {}).get("name") or "python3"
        return found

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        spec = nb.metadata.get("kernelspec", {})
        known = nb.metadata.get("language_info", {}).get("name") or spec.get("language")
        found: str = language or known or "python"
        return found

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: Any = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        order: Order | None = None,
        **options: Any,
    ) -> Any:
        """Run the prepared notebook and return it executed.

        Parameters
        ----------
        order
            What `rerun` wants; made from the notebook where papermill itself asks.

        Raises
        ------
        MlopsError
            ``rerun.no-kernel``, ``rerun.no-capture``, ``rerun.kernel-died``, ``rerun.timeout``,
            ``rerun.not-saved``, and what is wrong with the notebook or its parameters. A failing
            cell is papermill's to report.
        """
        input_path = options.pop("input_path", None)
        plain = order is None
        try:
            order = order or _order(nb, input_path)
            require_kernel(kernel_name, order.notebook)
            injected = {**injection.paths(nb), **order.parameters}
            order.originals = injection.settle(nb, order.notebook, injected)
            manager = SparingManager(
                nb,
                output_path=output_path,
                progress_bar=progress_bar,
                log_output=log_output,
                autosave_cell_every=autosave_cell_every,
            )
            manager.kept = "" if plain else None
            mark(nb.metadata, order.run)
            if plain and (cached := _cached()).is_wanted(order):
                _execute_cached(cached, manager, order, options)
                return manager.nb
            manager.notebook_start()
            if plain:
                manager.kept = str(order.project.state / "executed" / f"{order.run}.ipynb")
            with _recorded(order, manager) if plain else nullcontext():
                try:
                    cls.execute_managed_notebook(
                        manager, kernel_name, order=order, log_output=log_output, **options
                    )
                finally:
                    manager.cleanup_pbar()
                    manager.notebook_complete()
        except MlopsError as error:
            raise _for_command_line(error) from None
        finally:
            if order is not None and order.cells is not None:
                order.cells.unlink(missing_ok=True)
        return manager.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: SparingManager,
        kernel_name: str,
        *,
        order: Order,
        start_timeout: int = 60,
        execution_timeout: float | None = None,
        **options: Any,
    ) -> Any:
        """Run the cells of ``nb_man`` on a kernel of that name, under ``order``."""
        timeout = execution_timeout or options.pop("timeout", None)
        client = CapturingClient(
            nb_man,
            order,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=timeout,
            log=logger,
            **options,
        )
        start = {"cwd": str(order.cwd)} if order.cwd is not None else {}
        return client.execute(env=order.environment(), **start)


def _cached() -> Any:
    """Return the module that runs only what has changed: it is of a layer above this one."""
    return import_module(".pipeline.incremental.papermill", __package__.rpartition(".")[0])


def _execute_cached(
    cached: Any, manager: SparingManager, order: Order, options: Mapping[str, Any]
) -> None:
    manager.notebook_start()
    try:
        cached.execute(manager, order, options.get("execution_timeout") or options.get("timeout"))
    finally:
        manager.cleanup_pbar()
        manager.notebook_complete()


def _order(nb: Any, input_path: str | None) -> Order:
    """Return the order of a plain papermill call, from what papermill wrote into ``nb``."""
    from ..capture.run_names import new_run_name

    asked = nb.metadata.papermill
    given = asked.get("parameters") or {}
    path = Path(input_path or asked.get("input_path") or "notebook.ipynb")
    if not _is_file(path):
        # papermill has changed to the folder of `--cwd`; its paths start where it was called.
        path = _called_in() / path
    project = Project.find(path if _is_file(path) else None)
    text: str | None = None
    if _is_file(path):
        notebook = read(path, name=project.relative(path))
    else:
        # A notebook from standard input or a remote store: what papermill read is all there is.
        text = nbformat.writes(_without_injection(nb))  # type: ignore[no-untyped-call]
        notebook = parse(text, path=Path.cwd() / path.name, name=str(path))
    declared = read_parameters(notebook, computed=True) if given else ()
    own = {each.name for each in declared}
    paths = injection.paths(nb)
    given = {name: value for name, value in given.items() if name in own or name not in paths}
    checked = check_parameters(notebook, declared, given)
    order = Order(project, notebook, new_run_name(notebook.name), parameters=checked)
    if text is not None:
        order.cells = executed_path(project, order.run).with_name(f".{order.run}.cells.ipynb")
        with explain_os_errors(order.cells):
            order.cells.write_text(text, encoding="utf-8")
    return order


def _called_in() -> Path:
    from papermill.iorw import papermill_io

    return Path(getattr(papermill_io.get_handler("local"), "_cwd", None) or Path.cwd())


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a whole notebook in place of a path
        return False


@contextmanager
def _recorded(order: Order, manager: SparingManager) -> Iterator[None]:
    """Keep the executed notebook and bring the run into MLflow, as `rerun` itself does."""
    executed = executed_path(order.project, order.run)

    def keep() -> None:
        if order.captured:
            write(manager.nb, executed)
            record(order, executed)

    prepare(order)
    try:
        yield
    except BaseException as error:
        # What went wrong first is what the user must hear of.
        with suppress(MlopsError, OSError):
            keep()
        if isinstance(error, MlopsError) and error.code == "rerun.not-saved":
            _say_where_it_is(error, executed)
        raise
    keep()


def _say_where_it_is(error: MlopsError, executed: Path) -> None:
    if not executed.exists():
        error.hint = "nothing could be kept: free some space, or choose another place."


def _without_injection(nb: Any) -> Any:
    kept = [cell for cell in nb.cells if injection.INJECTED not in cell.metadata.get("tags", [])]
    return nbformat.from_dict({**nb, "cells": kept})  # type: ignore[no-untyped-call]


def _for_command_line(error: MlopsError) -> EngineError:
    kind = KernelDied if error.code == "rerun.kernel-died" else EngineError
    return kind(error.code, error.message, hint=error.hint, place=error.place)
