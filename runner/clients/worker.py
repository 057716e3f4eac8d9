"""The host's side of a worker: prepare it, start runs in it, and judge how each ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.active_run import ActiveRun
from runner.clients.channel import Channel, StreamEndedError
from runner.clients.memory_watch import MemoryWatch
from runner.clients.processor_watch import ProcessorWatch
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.stillness_watch import StillnessWatch
from runner.engine.api import ContainerExit, Stream
from runner.engine.container_spec import FIRST_SLOT_GID
from runner.engine.placement import DEFAULT_PLACEMENT, GVISOR, Placement
from runner.errors import ConfigurationError, SandboxLostError
from runner.parsers.checkpoint import max_checkpoint_bytes
from runner.submission.load import Submission
from runner.verdict import CLEANUP_SECONDS, fault_of_host
from sandbox.protocol.frames import Frame, ProtocolViolationError
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import from_worker

WORKER_DATA: Final = ("original", "retain", "forget", "val")
"""The files of a challenge that a submission may see."""
_GO_PANIC: Final = 2
_PAUSE_SECONDS: Final = 0.02


def caused_by_run(
    *, exit_code: int, oom_killed: bool, runtime: str, processes_ran_short: bool = False
) -> bool:
    """Return whether a container that ended in mid-run was ended by what ran in it.

    A run can end its container through memory, which the engine reports; and, with gVisor, by
    exhausting the processes that the user-space kernel itself needs: that kernel then ends with
    a Go program's exit code for a panic, as it does where a group around the container has no room for them.
    Any other end came from outside, or is a fault of this project.
    """
    return oom_killed or (runtime == GVISOR and exit_code == _GO_PANIC and not processes_ran_short)


class WorkerClient:
    """A worker container that is ready for runs."""

    def __init__(
        self,
        *,
        stream: Stream,
        challenge: Challenge,
        submission: Submission,
        runs: int,
        first_uid: int,
        placement: Placement = DEFAULT_PLACEMENT,
        cleanup_seconds: float = CLEANUP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send everything that the runs need, and wait until the worker has loaded it.

        Raises:
            SandboxStartError: the container did not become ready.
            ConfigurationError: the challenge's network cannot be used, or its time limit is not in seconds.
            HostNotReadyError: submissions cannot be run on this host under this runtime, or the engine has
                added something to the container.
        """
        description = challenge.description
        self._limits: Limits = description.limits.of_one_run()
        if description.limits.wall_seconds is None:
            raise ConfigurationError("The time limit is a fraction of retraining, which was not measured.")
        self._wall_seconds = description.limits.wall_seconds
        self._cleanup_seconds, self._clock = cleanup_seconds, clock
        self._runtime = placement.runtime
        self._is_usable = True
        self._memory = MemoryWatch(stream.memory_bytes, reports=stream.memory_reports, end=stream.kill)
        self._processor = ProcessorWatch(stream.cpu_seconds)
        self._stillness = StillnessWatch(stream.cpu_seconds)
        self._spec = challenge.spec
        checkpoint_bytes = max_checkpoint_bytes(self._spec)
        self._channel = Channel(stream, from_worker(checkpoint_bytes=checkpoint_bytes), clock=clock)
        job = WorkerJob(
            architecture=description.architecture,
            architecture_source=challenge.architecture_source,
            classes=description.classes,
            item_format=description.item_format,
            batch_size=description.batch_size,
            device=placement.torch_device,
            concurrency=1,
            threads=description.limits.threads,
            runs=runs,
            first_uid=first_uid,
            first_slot_gid=FIRST_SLOT_GID,
            wall_seconds=self._wall_seconds,
            checkpoint_bytes=checkpoint_bytes,
            log_bytes=description.limits.log_bytes,
            processes=description.limits.processes,
        )
        self._setup_seconds = job.setup_seconds
        self._channel.send("job", job.to_json())
        for name in WORKER_DATA:
            self._channel.send("data", challenge.data(name), name=name)
        self._channel.send("submission", submission.archive)
        self.load_seconds = self._channel.await_ready(placement)

    @property
    def is_usable(self) -> bool:
        """Return whether it should execute further runs: it goes on, and nothing of a run remains in it."""
        return self._is_usable

    def execute(
        self,
        planned: Sequence[PlannedRun],
        may_start: Callable[[], bool] = lambda: True,
        enough: Callable[[], bool] = lambda: False,
    ) -> Iterator[EndedRun]:
        """Execute runs one after another, and yield each as it ends.

        While ``may_start`` returns False, no further run is started. Once ``enough`` returns True,
        the run in progress is finished and the rest are not started.

        Stops early, with runs not executed, when a run could only be stopped together with the container,
        when processes or files of it remain, or when the kernel has killed there for memory: the container's
        counters would tell of that for the next run too. Start another worker for the rest.

        Raises:
            SandboxLostError: the container is gone, or a run ended in a way for which the host is to blame.
        """
        waiting = deque(planned)
        active: dict[int, ActiveRun] = {}
        clean = True
        while waiting or active:
            if enough() or not clean:
                waiting.clear()
            self._start_runs(waiting, active, may_start)
            if not active:
                time.sleep(_PAUSE_SECONDS)
                continue
            try:
                frame = self._next_frame(active)
                ended = self._process(frame, active) if frame is not None else None
            except ProtocolViolationError as error:
                yield from self._abort_all(active, stream_violation=str(error))
                return
            except StreamEndedError:
                self._is_usable = False
                yield from self._judge_container_exit(active)
                return
            if frame is None:
                yield from self._kill_overdue(active)
                return
            if ended is not None:
                paused_at = self._clock()
                yield ended
                pause_seconds = self._clock() - paused_at
                for run in active.values():  # the caller's work on the result is not their time
                    run.exclude(pause_seconds)
                clean = clean and frame.fields["wiped"] is True and ended.observation.oom_kills == 0
        if not clean:
            self._kill()

    def _kill(self) -> None:
        self._is_usable = False
        self._channel.stream.kill()

    def _start_runs(
        self, waiting: deque[PlannedRun], active: dict[int, ActiveRun], may_start: Callable[[], bool]
    ) -> None:
        while waiting and not active and may_start():
            run = waiting.popleft()
            active[run.index] = ActiveRun(
                index=run.index,
                started_at=self._clock(),
                wall_seconds=self._wall_seconds,
                setup_seconds=self._setup_seconds,
                cleanup_seconds=self._cleanup_seconds,
                max_log_bytes=self._limits.log_bytes,
                memory=self._memory,
            )
            self._memory.start(self._clock())
            self._stillness.start(self._clock())
            self._processor.start()
            self._channel.send("run", index=run.index, seed=run.seed)

    def _next_frame(self, active: dict[int, ActiveRun]) -> Frame | None:
        """Return the next frame, or None if the first deadline of a run passes before it.

        A slow engine gets time to deliver what it held back: the supervisor's clock is in it.
        """
        deadline = min(run.deadline for run in active.values())
        while True:
            now = self._clock()
            next_memory = now + self._memory.seconds_to_next_look(now)
            until = min(deadline, next_memory, now + self._stillness.look(now))
            frame = self._channel.receive(max(0.0, until - now))
            if frame is not None:
                return frame
            if until == deadline:
                return self._channel.receive_held_back()
            if until == next_memory:
                self._memory.look()

    def _process(self, frame: Frame, active: dict[int, ActiveRun]) -> EndedRun | None:
        """Apply a frame to its run; return the run if the frame is the last one.

        Raises:
            ProtocolViolationError: the frame is not allowed at this point.
        """
        if frame.kind not in ("log", "started", "ended", "finished") or frame.integer("index") not in active:
            raise ProtocolViolationError(f"a {frame.kind} frame that was not expected")
        run = active[frame.integer("index")]
        if frame.kind == "started":
            run.mark_started(self._clock())
            self._processor.start()
            return None
        if frame.kind == "ended":
            run.mark_ended(self._clock())
            return None
        if frame.kind == "log":
            run.add_log(frame.payload)
            return None
        del active[run.index]
        processor_seconds = self._processor.seconds()  # before the checkpoint is checked: the container idles
        ended = run.finish(
            frame,
            now=self._clock(),
            spec=self._spec,
            memory_limit_reached=self._memory_limit_reached(frame),
            processor_seconds=processor_seconds,
            confirmed_stillness=self._stillness.confirmed,
            processes_ran_short=self._channel.stream.processes_ran_short,
        )
        if reason := fault_of_host(ended.observation):
            self._kill()
            raise SandboxLostError(reason)
        return ended

    def _memory_limit_reached(self, frame: Frame) -> bool | None:
        """Return whether the container's own limit explains a memory kill; None if nobody knows."""
        if frame.integer("oom_kills") == 0:
            return None
        events = frame.integer("oom_events") if "oom_events" in frame.fields else -1
        if events >= 0:
            return events > 0
        return self._channel.stream.has_reached_memory_limit()

    def _kill_overdue(self, active: dict[int, ActiveRun]) -> Iterator[EndedRun]:
        """Kill the container; yield the run if its limit, or its cleanup's limit, has passed.

        Raises:
            SandboxLostError: the container stood still, so that nothing could end the run in time; or a
                run on a GPU was not set up in its time.
        """
        stood_still = self._channel.stream.stood_still()
        self._kill()
        if stood_still:
            raise SandboxLostError("The worker container stood still: paused, frozen, or out of reach.")
        if any(run.setup_seconds and run.ended_at is None for run in active.values()):
            raise SandboxLostError(f"A run was not set up on the GPU within {self._setup_seconds:g} s.")
        now = self._clock()
        for run in list(active.values()):
            if now >= run.deadline:
                yield run.expire(now=now)

    def _judge_container_exit(self, active: dict[int, ActiveRun]) -> Iterator[EndedRun]:
        """Yield the runs in progress when the container ended by itself.

        Raises:
            SandboxLostError: there is no evidence that a run caused it.
        """
        ending = self._channel.stream.ending()
        if ending is None or not active:
            raise SandboxLostError(f"The worker container ended in mid-run{self._channel.stderr_suffix()}.")
        if not caused_by_run(
            exit_code=ending.exit_code,
            oom_killed=ending.oom_killed,
            runtime=self._runtime,
            processes_ran_short=self._channel.stream.processes_ran_short(),
        ):
            raise SandboxLostError(
                f"The worker container ended in mid-run, with exit code {ending.exit_code}"
                f"{self._channel.stderr_suffix()}."
            )
        yield from self._abort_all(active, container_exit=ending)

    def _abort_all(
        self,
        active: dict[int, ActiveRun],
        *,
        stream_violation: str = "",
        container_exit: ContainerExit | None = None,
    ) -> Iterator[EndedRun]:
        """Kill the container; yield the runs in progress, all as they are at this moment."""
        self._kill()
        now = self._clock()
        for run in list(active.values()):
            yield run.abort(now=now, stream_violation=stream_violation, container_exit=container_exit)
