"""Run the gallery in worker containers, a few at a time, and look for leftovers on the host.

Under isolation "process" the runs of a batch follow each other in one worker; when its container ends
early, a new one is started for the remaining runs. Under "container" every run has its own container. The
runs of one attack follow each other there too, so that a run can find the leftovers of the run before it.
"""

from __future__ import annotations

import contextlib
import runpy
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.container_spec import ContainerSpec, worker_container
from runner.engine.placement import Isolation, Placement
from runner.engine.run_uids import uids_for_runs
from runner.errors import ConfigurationError, SandboxLostError
from runner.execution.cores import HostCores
from runner.gallery.attacks import PODMAN, Attack
from runner.gallery.batches import Batch, Role, Step, plan_batches, plan_phases
from runner.gallery.host_state import leftovers, leftovers_of_run, read_host_state
from runner.gallery.judge import Result, RunResult, judge_attack
from runner.gallery.merge import merge_iterators
from runner.gallery.refusal import attempt_refusal
from runner.image.image import Image
from runner.progress import Reporter
from runner.sanitize import sanitize

_AT_ONCE: Final = 3
"""Containers at a time."""
_OUTPUT_CHARACTERS: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryReport:
    """The results of a gallery."""

    results: tuple[Result, ...]
    leftovers: tuple[str, ...]
    """A sentence for each leftover on the host at the end."""

    @property
    def passed(self) -> bool:
        """Return whether every result agrees with its description and the host has no leftovers."""
        return not self.leftovers and all(result.passed for result in self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Resources shared by all attacks: image, challenge, labels, placement and folder."""

    image: Image
    challenge: Challenge
    labels: dict[str, str]
    placement: Placement
    isolation: Isolation
    cores: HostCores
    folder: Path
    """Folder for the files of attacks of kind host; empty at first."""
    reporter: Reporter

    def run(self, attacks: Sequence[Attack]) -> GalleryReport:
        """Run all attacks that concern this isolation and return the result of each.

        Raises:
            HostNotReadyError: the engine, image or runtime is missing.
            SandboxStartError: a container did not start.
        """
        selected = [attack for attack in attacks if self.isolation in attack.description.isolations]
        engine, before = connect_engine(), read_host_state()
        info = engine.info()
        runtime = self.placement.runtime or info.default_runtime
        if info.is_podman:
            runtime = PODMAN
        to_refuse = [attack for attack in selected if attack.description.refusal is not None]
        refusals = [self._attempt_refusal(attack, runtime) for attack in to_refuse]
        planned = plan_batches(selected, self._make)
        total = sum(len(batch.steps) for batch in planned)
        runs: list[RunResult] = []
        with contextlib.closing(self._run_batches(planned)) as iterator:
            for run in iterator:
                runs.append(run)
                self.reporter.count(f"gallery: {run.step.attack}", len(runs), total)
        judged = [
            judge_attack(
                attack=attack,
                runtime=runtime,
                isolation=self.isolation,
                runs=[run for run in runs if run.step.attack == attack.name],
            )
            for attack in selected
            if attack.description.refusal is None
        ]
        positions = {attack.name: position for position, attack in enumerate(selected)}
        results = sorted([*refusals, *judged], key=lambda result: positions[result.attack.name])
        return GalleryReport(results=tuple(results), leftovers=tuple(leftovers(before, engine, self.labels)))

    def _attempt_refusal(self, attack: Attack, runtime: str) -> Result:
        return attempt_refusal(
            attack,
            make=lambda role: self._make(attack, role),
            challenge=self.challenge.folder,
            runtime=runtime,
            isolation=self.isolation,
        )

    def _make(self, attack: Attack, role: Role) -> Path:
        """Write the file of an attack of kind host by its ``make.py``, which is the project's own code."""
        folder = self.folder / attack.name / role
        folder.mkdir(parents=True)
        name = "make_control" if role == "control" else "make"
        module: Any = runpy.run_path(str(attack.source))
        if not callable(module.get(name)):
            raise ConfigurationError(f"The attack {attack.name} has no {name}() in {attack.source.name}.")
        return Path(module[name](folder))

    def _run_batches(self, planned: Sequence[Batch]) -> Generator[RunResult]:
        first_index = 0
        for jobs in plan_phases(planned, self.isolation):
            todo: list[Callable[[], Iterator[RunResult]]] = []
            for job in jobs:
                todo.append(partial(self._run_job, job, first_index))
                first_index += sum(len(batch.steps) for batch in job)
            yield from merge_iterators(todo, at_once=_AT_ONCE)

    def _run_job(self, job: Sequence[Batch], first_index: int) -> Iterator[RunResult]:
        engine = connect_engine()  # a Docker client is not safe to share between threads
        indices = count(first_index)
        for batch in job:
            yield from self._run_batch(batch, engine, indices)

    def _run_batch(self, batch: Batch, engine: Engine, indices: Iterator[int]) -> Iterator[RunResult]:
        """Execute the runs of a batch in as many workers as it takes."""
        remaining = list(batch.steps)
        while remaining:
            for result in self._run_in_worker(replace(batch, steps=tuple(remaining)), engine, indices):
                remaining.remove(result.step)
                yield result

    def _run_in_worker(self, batch: Batch, engine: Engine, indices: Iterator[int]) -> Iterator[RunResult]:
        """Execute runs until the container ends; the last result records that it did.

        A result is yielded one run late, since only the next run shows that the container is still alive.
        """
        steps = {next(indices): step for step in batch.steps}
        pending: RunResult | None = None
        with contextlib.ExitStack() as resources:
            first_uid = resources.enter_context(uids_for_runs(len(steps))) - min(
                steps
            )  # of run 0, if it were
            cores = resources.enter_context(self.cores.of_a_container(batch.limits.of_one_run().cpus))
            container = engine.start(self._spec(batch, cores))
            resources.callback(container.remove)
            worker = WorkerClient(
                stream=container,
                challenge=self.challenge.with_limits(**batch.limits.model_dump()),
                submission=batch.submission,
                runs=len(steps),
                first_uid=first_uid,
                placement=self.placement,
            )
            planned = [PlannedRun(index=index, seed=step.seed) for index, step in steps.items()]
            ended = 0
            try:
                for run in worker.execute(planned):
                    if pending is not None:
                        yield pending
                    ended += 1
                    processes = leftovers_of_run(first_uid + run.index)
                    pending = _run_result(steps[run.index], run, processes)
            except SandboxLostError as error:
                if pending is not None:
                    yield pending
                pending = _lost_result(steps[planned[ended].index], str(error))
                ended = 0
            if pending is not None:
                yield replace(pending, container_ended=ended < len(planned))

    def _spec(self, batch: Batch, cpu_set: str) -> ContainerSpec:
        return worker_container(
            image=self.image.tag,
            limits=batch.limits,
            labels=self.labels,
            placement=self.placement,
            cpu_set=cpu_set,
        )


def _run_result(step: Step, run: EndedRun, processes: Sequence[str]) -> RunResult:
    return RunResult(
        step=step,
        verdict=run.judgement.verdict,
        detail=sanitize(run.judgement.detail, _OUTPUT_CHARACTERS),
        output=sanitize(run.log + b"\n" + run.traceback.encode(errors="replace"), _OUTPUT_CHARACTERS),
        seconds=run.host_seconds,
        container_ended=False,
        leftovers=tuple(processes),
    )


def _lost_result(step: Step, detail: str) -> RunResult:
    """Return the result of a run whose container was lost without a verdict."""
    return RunResult(
        step=step,
        verdict=None,
        detail=detail,
        output="",
        seconds=0.0,
        container_ended=True,
        leftovers=(),
    )
