"""Runs the gallery in worker containers, two at a time, and looks at the host in between.

Under isolation "process" the runs of a batch follow each other in one worker, and a new one
is started for the rest whenever a container ended. Under "container" every run has one of
its own; those of one attack follow each other there too, so that a run finds what the one
before it left.
"""

from __future__ import annotations

import contextlib
import runpy
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.client import Engine
from runner.engine.container_spec import FIRST_UID, LAST_UID, ContainerSpec, worker_container
from runner.engine.placement import Isolation, Placement
from runner.errors import ConfigurationError, SandboxLostError
from runner.gallery import host_state as gallery_host
from runner.gallery.attacks import PODMAN, Attack
from runner.gallery.batches import Batch, Role, Step, batches, phases
from runner.gallery.judge import Result, StepEnd, judge_attack
from runner.gallery.merge import merge_iterators
from runner.gallery.refusal import attempt_refusal
from runner.image.image import Image
from runner.progress import Reporter
from runner.sanitize import sanitize

_AT_ONCE: Final = 2
"""Containers at a time."""
_UIDS_WANTED: Final = 10_000
_SAID_CHARACTERS: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryReport:
    """What became of a gallery."""

    results: tuple[Result, ...]
    left: tuple[str, ...]
    """What was found on the host at the end, in words."""

    @property
    def passed(self) -> bool:
        """Return whether all went as described and nothing was left."""
        return not self.left and all(result.passed for result in self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Where attacks are run: what they share."""

    image: Image
    challenge: Challenge
    labels: dict[str, str]
    placement: Placement
    isolation: Isolation
    folder: Path
    """Where attacks of kind host make their files; empty at first."""
    reporter: Reporter

    def run(self, attacks: Sequence[Attack]) -> GalleryReport:
        """Run all attacks that this isolation concerns and say what became of each.

        Raises:
            HostNotReadyError: there is no engine, image or runtime.
            SandboxStartError: a container did not come to work.
        """
        wanted = [one for one in attacks if self.isolation in one.description.isolations]
        engine, before = Engine(), gallery_host.read_host_state()
        runtime = self.placement.runtime or engine.describe()["runtime"]
        if engine.is_podman:
            runtime = PODMAN
        refused = [self._refusal(one, runtime) for one in wanted if one.description.refusal is not None]
        planned = batches(wanted, self._make)
        total = sum(len(batch.steps) for batch in planned)
        ends: list[StepEnd] = []
        with contextlib.closing(self._all_steps(planned)) as steps:
            for end in steps:
                ends.append(end)
                self.reporter.count(f"gallery: {end.step.attack}", len(ends), total)
        judged = [
            judge_attack(
                attack=attack,
                runtime=runtime,
                isolation=self.isolation,
                ends=[end for end in ends if end.step.attack == attack.name],
            )
            for attack in wanted
            if attack.description.refusal is None
        ]
        places = {attack.name: place for place, attack in enumerate(wanted)}
        results = sorted([*refused, *judged], key=lambda result: places[result.attack.name])
        return GalleryReport(
            results=tuple(results),
            left=tuple(gallery_host.leftovers(before, engine, self.labels)),
        )

    def _refusal(self, attack: Attack, runtime: str) -> Result:
        return attempt_refusal(
            attack,
            make=lambda role: self._make(attack, role),
            challenge=self.challenge.folder,
            runtime=runtime,
            isolation=self.isolation,
        )

    def _make(self, attack: Attack, role: Role) -> Path:
        """Have an attack's own ``make.py``, which is code of ours, make its file."""
        folder = self.folder / attack.name / role
        folder.mkdir(parents=True)
        name = "make_control" if role == "control" else "make"
        made: Any = runpy.run_path(str(attack.source))
        if not callable(made.get(name)):
            raise ConfigurationError(f"The attack {attack.name} has no {name}() in {attack.source.name}.")
        return Path(made[name](folder))

    def _all_steps(self, planned: Sequence[Batch]) -> Generator[StepEnd]:
        first_index = 0
        for jobs in phases(planned, self.isolation):
            todo: list[Callable[[], Iterator[StepEnd]]] = []
            for job in jobs:
                todo.append(partial(self._one_after_another, job, first_index))
                first_index += sum(len(batch.steps) for batch in job)
            yield from merge_iterators(todo, at_once=_AT_ONCE)

    def _one_after_another(self, job: Sequence[Batch], first_index: int) -> Iterator[StepEnd]:
        engine, indices = Engine(), count(first_index)  # threads do not share a client well
        for batch in job:
            yield from self._in_workers(batch, engine, indices)

    def _in_workers(self, batch: Batch, engine: Engine, indices: Iterator[int]) -> Iterator[StepEnd]:
        """Do the runs of a batch in as many workers as it takes."""
        left = list(batch.steps)
        while left:
            for end in self._in_one_worker(replace(batch, steps=tuple(left)), engine, indices):
                left.remove(end.step)
                yield end

    def _in_one_worker(self, batch: Batch, engine: Engine, indices: Iterator[int]) -> Iterator[StepEnd]:
        """Do runs until the container ends; the last one says so."""
        first_uid = FIRST_UID + secrets.randbelow(LAST_UID - FIRST_UID - _UIDS_WANTED)
        steps = {next(indices): step for step in batch.steps}
        container = engine.start(self._spec(batch))
        pending: StepEnd | None = None
        try:
            worker = WorkerClient(
                stream=container,
                challenge=self.challenge.with_limits(**batch.limits.model_dump()),
                submission=batch.submission,
                runs=1,
                first_uid=first_uid,
                placement=self.placement,
            )
            planned = [PlannedRun(index=index, seed=step.seed) for index, step in steps.items()]
            ended = 0
            try:
                for one in worker.execute(planned):
                    if pending is not None:
                        yield pending
                    ended += 1
                    left = gallery_host.leftovers_of_run(first_uid + one.index)
                    pending = _step_end(steps[one.index], one, left)
            except SandboxLostError as error:
                if pending is not None:
                    yield pending
                pending = _lost(steps[planned[ended].index], str(error))
                ended = 0
            if pending is not None:
                yield replace(pending, container_ended=ended < len(planned))
        finally:
            container.remove()

    def _spec(self, batch: Batch) -> ContainerSpec:
        return worker_container(
            image=self.image.tag, limits=batch.limits, labels=self.labels, placement=self.placement
        )


def _step_end(step: Step, ended: EndedRun, left: Sequence[str]) -> StepEnd:
    return StepEnd(
        step=step,
        verdict=ended.judgement.verdict,
        detail=sanitize(ended.judgement.detail, _SAID_CHARACTERS),
        said=sanitize(ended.log + b"\n" + ended.traceback.encode(errors="replace"), _SAID_CHARACTERS),
        seconds=ended.host_seconds,
        container_ended=False,
        left=tuple(left),
    )


def _lost(step: Step, sentence: str) -> StepEnd:
    return StepEnd(
        step=step,
        verdict=None,
        detail=sentence,
        said="",
        seconds=0.0,
        container_ended=True,
        left=(),
    )
