"""A run in progress: its deadline, its log, and the `EndedRun` that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from runner.clients.memory_watch import MemoryWatch
from runner.clients.runs import EndedRun
from runner.engine.api import ContainerExit
from runner.parsers.checkpoint import check_checkpoint
from runner.parsers.run_error import parse_run_error, place_in_stack
from runner.parsers.safetensors import CheckpointError, CheckpointSpec
from runner.verdict import HOST_GRACE_SECONDS, Observation, Verdict, is_out_of_processes, judge
from sandbox.protocol.frames import Frame, ProtocolViolationError


@dataclass(slots=True, kw_only=True)
class ActiveRun:
    """A run in progress, as the host sees it. All times are by the host's clock."""

    index: int
    started_at: float
    """When its time began: when the host asked for it, or on a GPU when the supervisor reported it set up."""
    setup_seconds: float = 0.0
    """On a GPU, how long it may take until it is set up; 0 once it is, and on the CPU."""
    wall_seconds: float
    cleanup_seconds: float
    max_log_bytes: int
    memory: MemoryWatch | None = None
    """Knows how much memory the run used."""
    setup_took: float | None = None
    """Seconds that its set-up on a GPU took, before its own time began; None on the CPU."""
    ended_at: float | None = None
    """When the supervisor reported its end; cleanup of its processes and files follows."""
    log: bytearray = field(default_factory=bytearray)

    @property
    def deadline(self) -> float:
        """Return when the host ends the run, or its cleanup, by killing the container."""
        if self.ended_at is not None:
            return self.ended_at + self.cleanup_seconds
        return self.started_at + (self.setup_seconds or self.wall_seconds) + HOST_GRACE_SECONDS

    def exclude(self, seconds: float) -> None:
        """Leave out of the run's time what the host spent on something else."""
        self.started_at += seconds
        if self.ended_at is not None:
            self.ended_at += seconds

    def mark_started(self, now: float) -> None:
        """Record that the supervisor reported the run set up: on a GPU, its time begins now.

        Raises:
            ProtocolViolationError: nothing was to be set up, or it was reported before, or the run has ended.
        """
        if not self.setup_seconds or self.ended_at is not None:
            raise ProtocolViolationError("a started frame that was not expected")
        self.setup_took = max(0.0, now - self.started_at)
        self.started_at, self.setup_seconds = now, 0.0

    def mark_ended(self, now: float) -> None:
        """Record that the supervisor reported the end of the run.

        Raises:
            ProtocolViolationError: it was reported before.
        """
        if self.ended_at is not None:
            raise ProtocolViolationError("a run that ended twice")
        self.ended_at = now

    def add_log(self, text: bytes) -> None:
        """Append output of the run.

        Raises:
            ProtocolViolationError: it exceeds the limit, which the supervisor itself observes.
        """
        self.log += text
        if len(self.log) > self.max_log_bytes:
            raise ProtocolViolationError("more log than the supervisor may send")

    def finish(
        self,
        frame: Frame,
        *,
        now: float,
        spec: CheckpointSpec,
        memory_limit_reached: bool | None = None,
        processor_seconds: float | None = None,
        confirmed_stillness: Callable[[float], float] = lambda reported: reported,
        processes_ran_short: Callable[[], bool] = lambda: False,
    ) -> EndedRun:
        """Return the run as the supervisor's ``finished`` frame describes it, judged.

        Args:
            frame: The ``finished`` frame; its payload is untrusted.
            now: The time, for a run whose end was not reported before.
            spec: What a checkpoint must look like.
            memory_limit_reached: Whether the container reached its memory limit, if the caller knows.
            processor_seconds: What the run used, all of its processes together, if the caller knows.
            confirmed_stillness: Returns for how long the container stood still, by how long it says so.
            processes_ran_short: Returns whether a group around the container is full of processes; called
                only where the run says that it could start none.
        """
        host_seconds = self._host_seconds(now)
        result, problem, remark = frame.text("result"), "", ""
        if result == "checkpoint":
            try:
                remark = check_checkpoint(frame.payload, spec)
            except CheckpointError as error:
                problem = str(error)
        run_error = parse_run_error(frame.payload) if result == "error" else None
        observation = Observation(
            host_seconds=host_seconds,
            wall_limit_seconds=self.wall_seconds,
            ended_by=frame.text("ended_by"),
            exit_code=frame.integer("exit_code"),
            oom_kills=frame.integer("oom_kills"),
            alone=True,  # a worker executes one run at a time
            memory_limit_reached=memory_limit_reached,
            processes_ran_short=(
                run_error is not None and is_out_of_processes(run_error) and processes_ran_short()
            ),
            started=bool(frame.fields.get("started", True)),
            run_seconds=frame.number("seconds"),
            frozen_seconds=confirmed_stillness(
                frame.number("frozen_seconds") if "frozen_seconds" in frame.fields else 0.0
            ),
            result=result,
            error=run_error,
            place=place_in_stack(bytes(self.log)),
            checkpoint_problem=problem,
            checkpoint_remark=remark,
        )
        judgement = judge(observation)
        return EndedRun(
            index=self.index,
            judgement=judgement,
            checkpoint=frame.payload if judgement.verdict is Verdict.OK else b"",
            host_seconds=host_seconds,
            run_seconds=frame.number("seconds"),
            peak_memory_bytes=self._peak_memory_bytes,
            processor_seconds=processor_seconds,
            setup_seconds=self.setup_took,
            log=bytes(self.log),
            log_bytes_dropped=frame.integer("log_bytes_dropped"),
            traceback=run_error.traceback if run_error is not None else "",
            observation=observation,
            exception_type=run_error.type if run_error is not None else "",
        )

    def abort(
        self,
        *,
        now: float,
        stream_violation: str = "",
        container_exit: ContainerExit | None = None,
    ) -> EndedRun:
        """Return the run as its container's end left it, judged.

        Args:
            now: The time, for a run whose end was not reported before.
            stream_violation: Which rule of the stream was broken, if the container was killed for it.
            container_exit: How the container ended, if it did so because of a run.
        """
        return self._end(
            Observation(
                host_seconds=self._host_seconds(now),
                wall_limit_seconds=self.wall_seconds,
                stream_violation=stream_violation,
                container_ended=container_exit is not None,
                container_exit_code=container_exit.exit_code if container_exit is not None else 0,
                container_oom_killed=container_exit is not None and container_exit.oom_killed,
            )
        )

    def expire(self, *, now: float) -> EndedRun:
        """Return the run, judged, after the host killed the container at the run's `deadline`."""
        return self._end(
            Observation(
                host_seconds=self._host_seconds(now),
                wall_limit_seconds=self.wall_seconds,
                host_killed_for_time=self.ended_at is None,
                cleanup_failed=self.ended_at is not None,
            )
        )

    def _end(self, observation: Observation) -> EndedRun:
        """Return the run without anything that only a ``finished`` frame could report."""
        return EndedRun(
            index=self.index,
            judgement=judge(observation),
            checkpoint=b"",
            host_seconds=observation.host_seconds,
            run_seconds=0.0,
            peak_memory_bytes=self._peak_memory_bytes,
            setup_seconds=self.setup_took,
            log=bytes(self.log),
            log_bytes_dropped=0,
            traceback="",
            observation=observation,
        )

    @property
    def _peak_memory_bytes(self) -> int | None:
        return self.memory.peak_bytes if self.memory is not None else None

    def _host_seconds(self, now: float) -> float:
        return (self.ended_at or now) - self.started_at
