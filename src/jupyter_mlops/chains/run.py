"""Run a chain: every notebook a rerun of its own, side by side where none waits for the other."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..capture.run_names import new_run_name
from ..errors import MlopsError
from ..notebook.moments import plain
from ..progress import Event, Progress, Stage
from ..project import SETTINGS, Project
from ..tracking.pipelines import PipelineJournal
from .execution import Job, run_nodes
from .failing import Failures
from .graph import Node, read_chain
from .job import NotebookJob, is_there, value_of
from .plan import Plan, Planned, Wanted, plan, resolved
from .record import ChainRun, NodeRun, begin, handed_files, node_key, unfinished


def run_chain(
    name: str,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    project: Project | None = None,
    workers: int | None = None,
    resume: str | None = None,
    timeout: float | None = None,
) -> Progress[ChainRun]:
    """Run the notebooks of a ``[[pipeline]]`` of ``mlops.toml`` as one graph.

    Each notebook is a rerun, tracked as a run, of which the chain's own run is the parent. Where
    one fails, those that wait for it are left; the others run to their end.

    Parameters
    ----------
    parameters
        For each notebook of the chain values that replace those of ``mlops.toml``.
    workers
        How many notebooks may run at a time; default: the number of CPUs.
    resume
        A run that failed or was killed, by name, unique prefix or ``latest``: its ``parameters``
        are taken, and notebooks that had run are not run again, as long as neither they nor what
        they are given have changed.
    timeout
        Seconds that each notebook may take; default: ``[run] timeout`` of ``mlops.toml``, or no
        limit.

    Raises
    ------
    MlopsError
        What is wrong with the chain, before anything starts (see `read_chain` and `plan`); what
        went wrong in a notebook, with its cell and line; ``chain.failed`` where several have
        failed; ``chain.timeout``, ``chain.running``, ``run.unknown``, ``run.nothing-failed``.
    """
    project = project or Project.find()
    read_chain(project, name)
    earlier = unfinished(project, name, resume) if resume is not None else None
    given = _merged(earlier.parameters if earlier is not None else {}, parameters or {})
    made = plan(project, read_chain(project, name, given))
    stage = Stage("pipeline")
    if earlier is not None:
        with earlier.held():
            yield stage.notice(f"going on from {earlier.name}", run=earlier.name)
    record = begin(project, name, new_run_name(name))
    record.parameters, record.earlier = given, earlier.name if earlier is not None else ""
    record.nodes = {each.name: NodeRun(each.notebook.name) for each in made.nodes}
    with record.held():
        record.save()
        hand = _Hand(project, made, record, earlier)
        limit = timeout or project.settings.run.timeout
        yield from _run(hand, workers or os.cpu_count() or 1, limit)
    return record


def _run(hand: _Hand, workers: int, timeout: float | None) -> Progress[None]:
    record, project = hand.record, hand.project
    start = time.monotonic()
    told = _told_parameters(hand.made)
    journal = PipelineJournal(project, record.name, record.chain, project.root / SETTINGS, told)
    status = "KILLED"
    try:
        yield from run_nodes(hand.made.chain.nodes, hand, workers, timeout)
        status = "FAILED" if hand.failures else "FINISHED"
    except KeyboardInterrupt:
        words = f"`jupyter mlops run {record.chain} --resume` goes on with what is left"
        raise KeyboardInterrupt(words) from None
    finally:
        for node in record.nodes.values():
            if node.status == "running":
                node.status = "stopped"
        record.status = "ok" if status == "FINISHED" else "failed"
        record.seconds = round(time.monotonic() - start, 3)
        record.save()
        journal.end(status, _told_nodes(record), _told_metrics(record))
    hand.failures.raise_them(record)


class _Hand:
    """Runs the nodes of a chain, and keeps its record."""

    def __init__(
        self, project: Project, made: Plan, record: ChainRun, earlier: ChainRun | None
    ) -> None:
        self.project = project
        self.made = made
        self.record = record
        self.failures = Failures(made)
        self._earlier = earlier
        self._jobs: dict[str, NotebookJob] = {}
        self._outputs: dict[str, dict[Wanted, Any]] = {}

    def start(self, node: Node) -> Progress[Job | bool]:
        """Return the job of a node, or whether it is done without one."""
        planned, each = self.made[node.name], self.record.nodes[node.name]
        try:
            parameters = resolved(planned, self._outputs, self.made)
        except MlopsError as error:
            self._fail(node, error)
            yield Event("notebook", f"{node.name} cannot be run", data=_data(node, each))
            return False
        each.key = node_key(planned.notebook, parameters)
        if (before := self._before(planned, each.key)) is not None:
            assert self._earlier is not None
            self.record.nodes[node.name] = replace(before, reused=True)
            self._take(planned)
            words = f"{node.name} had run: {before.run} is taken"
            yield Event("notebook", words, data=_data(node, before))
            return True
        each.status, each.run = "running", new_run_name(planned.notebook.name)
        self.record.save()
        words = f"running {node.name} ({planned.notebook.name}) as {each.run}"
        yield Event("notebook", words, "started", data=_data(node, each))
        job = self._jobs[node.name] = NotebookJob(
            self.project,
            planned,
            parameters,
            run=each.run,
            parent=self.record.name,
            folder=self.record.folder / "handed" / node.name,
            files=handed_files(self.project, self.record.chain, node.name),
        )
        return job

    def ended(self, node: Node) -> Progress[None]:
        """Keep what a node's run gave, or how it failed."""
        job, each = self._jobs.pop(node.name), self.record.nodes[node.name]
        executed = self.project.state / "executed" / f"{each.run}.ipynb"
        each.executed = str(executed) if executed.exists() else ""
        if job.result is None:
            assert job.error is not None
            self._fail(node, job.error)
            yield Event("notebook", f"{node.name} has failed", data=_data(node, each))
            return
        each.seconds, each.metrics = round(job.result.seconds, 3), dict(job.result.metrics)
        each.outputs, each.status = job.outputs(), "ok"
        self._take(self.made[node.name])
        words = f"{node.name} is done"
        yield Event("notebook", words, "done", each.seconds, _data(node, each))

    def gave_up(self, node: Node) -> None:
        """Take in that a node takes too long."""
        self.failures.late.add(node.name)

    def _fail(self, node: Node, error: BaseException) -> None:
        told = self.failures.add(node.name, error)
        each = self.record.nodes[node.name]
        each.status, each.error = "failed", told.to_dict() if told is not None else None
        for name in self.made.chain.below(node.name):
            self.record.nodes[name].status = "left"
        self.record.save()

    def _take(self, planned: Planned) -> None:
        """Let others have what a finished node has given."""
        each = self.record.nodes[planned.name]
        self._outputs[planned.name] = {w: value_of(each.outputs[w.key]) for w in planned.wanted}
        for reserved, value in planned.reserved(each.run, each.executed).items():
            self._outputs[planned.name][reserved] = value
        self.record.save()

    def _before(self, planned: Planned, key: str) -> NodeRun | None:
        """Return how a node ran in the run that this one goes on from, if that still holds."""
        before = self._earlier.nodes.get(planned.name) if self._earlier is not None else None
        if before is None or before.status != "ok" or before.key != key:
            return None
        if not all(self.record.nodes[name].reused for name in planned.node.needs):
            return None
        here = all(
            is_there(before.outputs.get(each.key), as_file=each.as_file) for each in planned.wanted
        )
        return before if here and os.path.exists(before.executed) else None


def _merged(
    one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {name: {**one.get(name, {}), **other.get(name, {})} for name in {**one, **other}}


def _data(node: Node, each: NodeRun) -> dict[str, Any]:
    return {"node": node.name, "run": each.run, "status": each.status, "metrics": each.metrics}


def _told_parameters(made: Plan) -> dict[str, Any]:
    return {
        f"{each.name}.{name}": plain(value)
        for each in made.nodes
        for name, value in {**each.known, **each.open}.items()
    }


def _told_nodes(record: ChainRun) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "status": each.status,
            "seconds": each.seconds,
            "cached": each.reused,
            "run": each.run,
        }
        for name, each in record.nodes.items()
    }


def _told_metrics(record: ChainRun) -> dict[str, float]:
    return {
        f"{name}.{metric}": value
        for name, each in record.nodes.items()
        for metric, value in each.metrics.items()
    }
