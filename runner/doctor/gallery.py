"""Run containers for doctor: a quick selection of the gallery, and the measurement of kernel memory."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from runner.checkout import next_step
from runner.doctor.attacks import QUICK
from runner.doctor.facts import Facts, Purpose
from runner.doctor.kernel_memory import Measurement, kernel_memory_container, measure_kernel_memory
from runner.engine.placement import GVISOR
from runner.errors import HostNotReadyError
from runner.execution.cores import HostCores, cores_of
from runner.execution.host_session import host_session
from runner.gallery.attacks import HOSTILE, load_attacks
from runner.gallery.challenge import small_challenge
from runner.gallery.run import Gallery, GalleryReport
from runner.progress import Reporter

KINDS: Final = {
    "lease": 4000,
    "filter on a socket": 2000,
    "named mapping": 8000,
    "timer": 4000,
    "mapping": 8000,
}
"""Kernel objects that doctor has each process make: refused on every host, or quickly made and counted."""
_NO_IMAGE: Final = f"image not built; {next_step('unlearn setup')}"
_NO_GALLERY: Final = (
    "sample_submissions/hostile does not exist here; run doctor from a checkout of the project"
)


def run_quick_attacks(
    facts: Facts,
    purpose: Purpose,
    reporter: Reporter,
    *,
    gallery: Path = HOSTILE,
    names: Sequence[str] = QUICK,
) -> GalleryReport:
    """Run the named attacks that exist in the gallery.

    Raises:
        HostNotReadyError: the image or the gallery is missing.
        SandboxStartError: a container did not start.
    """
    if not facts.image:
        raise HostNotReadyError(_NO_IMAGE)
    existing = [name for name in names if (gallery / name).is_dir()]
    if not existing:
        raise HostNotReadyError(_NO_GALLERY)
    attacks = load_attacks(gallery, existing)
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-doctor-") as folder,
        host_session(nullcontext(reporter), runtime=purpose.runtime or "") as host,
    ):
        challenge = small_challenge(
            engine=host.engine,
            image=host.image,
            labels=host.labels,
            reporter=host.reporter,
            folder=Path(folder) / "challenge",
        )
        return Gallery(
            image=host.image,
            challenge=challenge,
            labels=host.labels,
            placement=host.placement,
            isolation="process",
            cores=HostCores(cores_of(host.info)),
            folder=Path(folder) / "hostile-files",
            reporter=host.reporter,
        ).run(attacks)


def measure_quickly(
    facts: Facts, purpose: Purpose, reporter: Reporter, *, kinds: Mapping[str, int] = KINDS
) -> list[Measurement] | None:
    """Measure a few kinds of kernel objects; None where this machine does not show their memory.

    gVisor's objects are memory of its own processes, which is counted. Another machine's counters cannot be
    read.

    Raises:
        HostNotReadyError: the image is missing.
        SandboxError: the container did not start, or ended early.
    """
    if not facts.image:
        raise HostNotReadyError(_NO_IMAGE)
    if not facts.is_local:
        return None
    with host_session(nullcontext(reporter), runtime=purpose.runtime or "") as host:
        if host.placement.runtime == GVISOR:
            return None
        spec = kernel_memory_container(image=host.image.tag, labels=host.labels, placement=host.placement)
        return measure_kernel_memory(host.engine, spec, kinds, repetitions=1)
