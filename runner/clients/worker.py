"""The host's side of a worker: starts it, asks for runs, and judges how each ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits, wall_seconds
from runner.clients.channel import Channel, Stream, StreamEndedError
from runner.clients.runs import EndedRun, PlannedRun
from runner.engine.container import ContainerExit
from runner.engine.container_spec import FIRST_SLOT_GID
from runner.engine.placement import DEFAULT_PLACEMENT, GVISOR, Placement
from runner.errors import SandboxLostError
from runner.parsers.checkpoint import check_checkpoint, max_checkpoint_bytes
from runner.parsers.run_error import parse_run_error
from runner.parsers.safetensors import CheckpointError
from runner.submission.load import Submission
from runner.verdict import CLEANUP_SECONDS, HOST_GRACE_SECONDS, Observation, Verdict, judge
from sandbox.protocol.frames import Frame, ProtocolViolationError
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import from_worker

_GO_PANIC: Final = 2


def caused_by_run(*, exit_code: int, oom_killed: bool, runtime: str) -> bool:
    """Return whether a container that ended in mid-run, unasked, was ended by what ran in it.

    A run can end its container through memory, which the engine notices; and, with gVisor, by
    exhausting the processes that the user-space kernel itself needs: that kernel then ends with
    a Go program's exit code for a panic. Everything else has been done from outside, or is ours.
    """
    return oom_killed or (runtime == GVISOR and exit_code == _GO_PANIC)


WORKER_DATA: Final = ("original", "retain", "forget", "val")
_PAUSE_SECONDS: Final = 0.02


@dataclass(slots=True, kw_only=True)
class _ActiveRun:
    """A run that goes on, as the host sees it."""

    index: int
    sent: float
    ended: float | None = None
    """When the supervisor said that it was over; what is left of it is then cleared away."""
    log: bytearray = field(default_factory=bytearray)


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
        clearing_seconds: float = CLEANUP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send everything that the runs need and wait until the worker has it.

        Raises:
            SandboxStartError: the container did not come to work.
        """
        said = challenge.description
        self._limits: Limits = said.limits
        self._wall_seconds = wall_seconds(said.limits)
        self._clearing_seconds, self._clock = clearing_seconds, clock
        self._runtime = placement.runtime
        self._killed_for_memory = False
        """Whether the kernel has killed for memory before, in a run that is over. The engine says it
        of the container from then on, however that ends."""
        self._spec = challenge.spec
        checkpoint_bytes = max_checkpoint_bytes(self._spec)
        self._channel = Channel(stream, from_worker(checkpoint_bytes=checkpoint_bytes), clock=clock)
        job = WorkerJob(
            architecture=said.architecture,
            architecture_source=challenge.architecture_source,
            classes=said.classes,
            item_format=said.item_format,
            batch_size=said.batch_size,
            device=placement.torch_device,
            concurrency=said.limits.concurrency,
            threads=said.limits.threads,
            runs=runs,
            first_uid=first_uid,
            first_slot_gid=FIRST_SLOT_GID,
            wall_seconds=self._wall_seconds,
            checkpoint_bytes=checkpoint_bytes,
            log_bytes=said.limits.log_bytes,
            processes=said.limits.processes,
        )
        self._channel.send("job", job.to_json())
        for name in WORKER_DATA:
            self._channel.send("data", challenge.data(name), name=name)
        self._channel.send("submission", submission.archive)
        self.load_seconds = self._channel.await_ready()

    def execute(
        self,
        planned: Sequence[PlannedRun],
        may_start: Callable[[], bool] = lambda: True,
        enough: Callable[[], bool] = lambda: False,
    ) -> Iterator[EndedRun]:
        """Do runs and yield each as it ends, in whatever order.

        While ``may_start`` says no, no further run is started. Once ``enough`` says yes, those
        that go on are done and the rest are left undone.

        Ends early, leaving runs undone, when a run could only be stopped together with the
        container; start another worker for the rest. Where a run has left something that cannot be
        removed, those that go on beside it are done, so that no run can have another repeated,
        and none is started after it.

        Raises:
            SandboxLostError: the container is gone and the submission is not to blame.
        """
        waiting = deque(planned)
        flights: dict[int, _ActiveRun] = {}
        spoilt = False
        while waiting or flights:
            if enough() or spoilt:
                waiting.clear()
            while waiting and len(flights) < self._limits.concurrency and may_start():
                run = waiting.popleft()
                flights[run.index] = _ActiveRun(index=run.index, sent=self._clock())
                self._channel.send("run", index=run.index, seed=run.seed)
            if not flights:
                time.sleep(_PAUSE_SECONDS)
                continue
            latest = min(self._deadline(flight) for flight in flights.values())
            try:
                frame = self._channel.receive(max(0.0, latest - self._clock()))
                ended = self._take(frame, flights) if frame is not None else None
            except ProtocolViolationError as error:
                yield from self._end_all(flights, stream_violation=str(error))
                return
            except StreamEndedError:
                yield from self._after_the_end(flights)
                return
            if ended is not None:
                paused = self._clock()
                yield ended
                paused = self._clock() - paused
                for flight in flights.values():  # what the caller did meanwhile is not their time
                    flight.sent += paused
                    flight.ended = flight.ended + paused if flight.ended is not None else None
                spoilt |= frame is not None and frame.kind == "finished" and frame.fields["wiped"] is not True
            elif frame is None:
                yield from self._kill_for_time(flights)
                return
        if spoilt:  # something of a run is left: nobody else may run there
            self._channel.stream.kill()

    def _deadline(self, flight: _ActiveRun) -> float:
        if flight.ended is not None:
            return flight.ended + self._clearing_seconds
        return flight.sent + self._wall_seconds + HOST_GRACE_SECONDS

    def _take(self, frame: Frame, flights: dict[int, _ActiveRun]) -> EndedRun | None:
        if frame.kind not in ("log", "ended", "finished") or frame.integer("index") not in flights:
            raise ProtocolViolationError(f"a {frame.kind} frame that was not due")
        flight = flights[frame.integer("index")]
        if frame.kind == "ended":
            if flight.ended is not None:
                raise ProtocolViolationError("a run that ended twice")
            flight.ended = self._clock()
            return None
        if frame.kind == "log":
            flight.log += frame.payload
            if len(flight.log) > self._limits.log_bytes:
                raise ProtocolViolationError("more log than the supervisor may pass on")
            return None
        del flights[flight.index]
        return self._finished(frame, flight)

    def _finished(self, frame: Frame, flight: _ActiveRun) -> EndedRun:
        host_seconds = (flight.ended or self._clock()) - flight.sent
        result, problem = frame.text("result"), ""
        if result == "checkpoint":
            try:
                check_checkpoint(frame.payload, self._spec)
            except CheckpointError as error:
                problem = str(error)
        error_seen = parse_run_error(frame.payload) if result == "error" else None
        seen = Observation(
            host_seconds=host_seconds,
            wall_limit_seconds=self._wall_seconds,
            ended_by=frame.text("ended_by"),
            exit_code=frame.integer("exit_code"),
            oom_kills=frame.integer("oom_kills"),
            alone=self._limits.concurrency == 1,
            result=result,
            error=error_seen,
            checkpoint_problem=problem,
        )
        self._killed_for_memory |= seen.oom_kills > 0
        judgement = judge(seen)
        return EndedRun(
            index=flight.index,
            judgement=judgement,
            checkpoint=frame.payload if judgement.verdict is Verdict.OK else b"",
            host_seconds=host_seconds,
            run_seconds=frame.number("seconds"),
            log=bytes(flight.log),
            log_bytes_dropped=frame.integer("log_bytes_dropped"),
            traceback=error_seen.traceback if error_seen is not None else "",
            seen=seen,
            exception_type=error_seen.type if error_seen is not None else "",
        )

    def _kill_for_time(self, flights: dict[int, _ActiveRun]) -> Iterator[EndedRun]:
        """Kill the container for a run that outlived its limit, or whose remains did.

        The others are not judged.
        """
        self._channel.stream.kill()
        now = self._clock()
        for flight in list(flights.values()):
            if now >= self._deadline(flight):
                over = flight.ended is not None
                yield self._ended(flight, host_killed_for_time=not over, cleanup_failed=over)

    def _after_the_end(self, flights: dict[int, _ActiveRun]) -> Iterator[EndedRun]:
        """Judge what went on when the container ended by itself.

        Raises:
            SandboxLostError: nothing says that the submission did it.
        """
        ending = self._channel.stream.ending()
        if ending is None or not flights:
            raise SandboxLostError(f"The worker container ended in mid-run{self._channel.complaint()}.")
        oom_killed = ending.oom_killed and not self._killed_for_memory
        if not caused_by_run(exit_code=ending.exit_code, oom_killed=oom_killed, runtime=self._runtime):
            raise SandboxLostError(
                f"The worker container ended in mid-run, with exit code {ending.exit_code}"
                f"{self._channel.complaint()}."
            )
        yield from self._end_all(flights, replace(ending, oom_killed=oom_killed))

    def _end_all(
        self,
        flights: dict[int, _ActiveRun],
        ending: ContainerExit | None = None,
        *,
        stream_violation: str = "",
    ) -> Iterator[EndedRun]:
        self._channel.stream.kill()
        for flight in list(flights.values()):
            yield self._ended(flight, stream_violation=stream_violation, ending=ending)

    def _ended(
        self,
        flight: _ActiveRun,
        *,
        stream_violation: str = "",
        host_killed_for_time: bool = False,
        cleanup_failed: bool = False,
        ending: ContainerExit | None = None,
    ) -> EndedRun:
        host_seconds = (flight.ended or self._clock()) - flight.sent
        seen = Observation(
            host_seconds=host_seconds,
            wall_limit_seconds=self._wall_seconds,
            stream_violation=stream_violation,
            host_killed_for_time=host_killed_for_time,
            cleanup_failed=cleanup_failed,
            container_ended=ending is not None,
            container_exit_code=ending.exit_code if ending is not None else 0,
            container_oom_killed=ending is not None and ending.oom_killed,
        )
        return EndedRun(
            index=flight.index,
            judgement=judge(seen),
            checkpoint=b"",
            host_seconds=host_seconds,
            run_seconds=0.0,
            log=bytes(flight.log),
            log_bytes_dropped=0,
            traceback="",
            seen=seen,
        )
