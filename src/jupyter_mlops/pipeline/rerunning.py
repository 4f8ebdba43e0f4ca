"""The verb `rerun`: a notebook executed again from a clean state, as a whole or in part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..notebook.document import read
from ..progress import Event, Progress
from ..project import Project
from ..rerun.rerun import Rerun
from ..rerun.rerun import rerun as rerun_whole


def rerun(
    notebook: Path | str,
    parameters: Mapping[str, Any] | None = None,
    *,
    cached: bool | None = None,
    resume: str | None = None,
    project: Project | None = None,
    output: Path | None = None,
    run: str | None = None,
    timeout: float | None = None,
) -> Progress[Rerun]:
    """Execute a notebook with other parameters, and record it as a run.

    The notebook itself is not changed. The cells work in the notebook's folder, as in JupyterLab.

    Parameters
    ----------
    parameters
        Values for the notebook's parameters; text is read as the parameter's type. They are
        checked before anything runs.
    cached
        Run only those cells whose code, inputs, parameters, files that they read, or environment
        are not what they were; take the others from the step cache. Default: ``[rerun] cached`` of
        ``mlops.toml``. Where the notebook's kernel is another Python, all cells run.
    resume
        A cached rerun that failed, by name, unique prefix or ``latest``: its parameters are taken,
        and what its finished cells left, also where that is not kept in the cache.
    output
        Where to keep the executed notebook too.
    run
        The run's name; default: a new one.
    timeout
        Seconds that each cell may take; default: as long as it wants.

    Raises
    ------
    MlopsError
        ``parameters.unknown`` and ``parameters.type``; ``rerun.no-kernel``,
        ``rerun.kernel-died``, ``rerun.timeout``; ``rerun.cell-failed`` with cell and line, after
        the run is recorded as failed and the executed part is kept; ``run.unknown``,
        ``run.running`` and ``run.nothing-failed`` where there is nothing to resume.
    """
    path = Path(notebook)
    project = project or Project.find(path)
    wanted = project.settings.rerun.cached if cached is None else cached
    if wanted or resume is not None:
        from .incremental.own_kernel import is_own_kernel

        source = read(path, name=project.relative(path))
        if is_own_kernel(source):
            from .incremental.rerun import rerun_cached

            return (
                yield from rerun_cached(
                    path,
                    parameters,
                    project=project,
                    output=output,
                    run=run,
                    resume=resume,
                    timeout=timeout,
                )
            )
        words = (
            f"the kernel `{source.kernel}` is not this Python, so all cells run, and none is kept"
        )
        yield Event("run", words)
    return (
        yield from rerun_whole(
            path, parameters, project=project, output=output, run=run, timeout=timeout
        )
    )
