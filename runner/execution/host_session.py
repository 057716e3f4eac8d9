"""One context manager that opens and closes what every command that starts containers needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.challenge.limits import Limits
from runner.engine.api import Engine
from runner.engine.capacity import require_memory
from runner.engine.connect import connect_engine
from runner.engine.gpus.cdi_files import require_closed_cdi
from runner.engine.gpus.gpu_parent import gpu_by_number, gpu_of_class
from runner.engine.info import EngineInfo
from runner.engine.placement import CPU, Placement, device_by_uuid, gpu_class, resolve_placement
from runner.engine.session import container_session
from runner.execution.context import EvaluationContext, ExecutionContext
from runner.execution.gpu_lock import gpu_lock
from runner.image.image import Image, require_image, require_image_by_digest
from runner.progress import Reporter
from runner.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSession:
    """An engine that answers, its image, a placement, and labels for this process's containers."""

    engine: Engine
    info: EngineInfo
    image: Image
    device: str
    """``cpu``, ``all``, or ``cuda:`` and a UUID, whatever form was requested."""
    recorded_device: str
    """The same, but a class of GPUs where one was requested: whichever of them it is, evaluations have the
    same name."""
    placement: Placement
    labels: dict[str, str]
    reporter: Reporter

    @property
    def execution_context(self) -> ExecutionContext:
        """Return what executing runs needs, without a store."""
        return ExecutionContext(
            engine=self.engine, info=self.info, image=self.image, labels=self.labels, reporter=self.reporter
        )

    def evaluation_context(self, store: Store, folder: Path) -> EvaluationContext:
        """Return what evaluations need whose results go into a store.

        Args:
            store: Open.
            folder: Of the store.
        """
        return EvaluationContext(
            engine=self.engine,
            info=self.info,
            image=self.image,
            store=store,
            folder=folder,
            labels=self.labels,
            reporter=self.reporter,
        )


@contextmanager
def host_session(
    reporter: AbstractContextManager[Reporter],
    *,
    limits: Limits | None = None,
    runtime: str = "",
    device: str = CPU,
    required_device: str = CPU,
    image: str = "",
) -> Iterator[HostSession]:
    """Yield a session of this host; its containers are removed and its locks released at the end.

    Args:
        reporter: Receives progress; entered and left here.
        limits: Refused if the host has too little memory for them.
        runtime: Name of a container runtime, or empty.
        device: ``cpu``, ``all``, ``cuda:NUMBER``, ``cuda:UUID`` or ``cuda:MODEL``, which is the host's first
            GPU of it; locked until the session ends.
        required_device: What the challenge needs: ``cpu`` or ``cuda``.
        image: Beginning of the digest of an image that an evaluation needs; empty for the current one.

    Raises:
        ConfigurationError: ``device`` has another form.
        HostNotReadyError: no engine, image, runtime, device or memory, another process uses the GPU, or
            its CDI specification adds more to a container than the GPU.
    """
    engine = connect_engine()
    info = engine.info()
    if limits is not None:
        require_memory(limits, info)
    name = gpu_class(device)
    requested, device = (
        device,
        f"cuda:{gpu_of_class(name)}" if name else device_by_uuid(device, gpu_by_number),
    )
    placement = resolve_placement(runtime=runtime, device=device, required_device=required_device, info=info)
    require_closed_cdi(placement.gpu)
    required_image = require_image_by_digest(engine, image) if image else require_image(engine)
    with reporter as active, container_session(engine) as labels, gpu_lock(device):
        yield HostSession(
            engine=engine,
            info=info,
            image=required_image,
            device=device,
            recorded_device=requested if name else device,
            placement=placement,
            labels=labels,
            reporter=active,
        )
