"""Check that the host has enough of each resource, so that limits hold and all runs are treated alike."""

from __future__ import annotations

from typing import Final

from runner.checkout import next_step
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding, Status, make_finding
from runner.engine.container_spec import all_workers_memory_bytes
from runner.image.build import BUILD_DISK_BYTES
from runner.wording import quantity

_GIB: Final = 1 << 30
_RUNNING_BYTES: Final = 2 * _GIB
_STORE_BYTES: Final = 1 * _GIB
_QUIET_LOAD: Final = 0.25
"""Fraction of the cores that other work may use without a warning."""
_TESTED_DRIVERS: Final = {"overlay", "overlay2", "overlayfs", "fuse-overlayfs", "btrfs", "zfs"}


def check_storage(facts: Facts, _purpose: Purpose) -> Finding:
    """Check the storage driver, which provides the root file system of containers."""
    driver = str(facts.info.get("Driver") or "?")
    if driver in _TESTED_DRIVERS:
        return make_finding("storage", Status.OK, driver)
    advice = "Each container may need a copy of the image, 6 GB; this project was tested with overlay2."
    return make_finding("storage", Status.WARNING, driver, advice)


def check_image(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that the image for the present inputs is built."""
    if facts.image:
        return make_finding("image", Status.OK, facts.image)
    observation = facts.image_problem or "image not built"
    return make_finding("image", Status.BROKEN, observation, f"image not built; {next_step('unlearn setup')}")


def check_disk(facts: Facts, _purpose: Purpose) -> Finding:
    """Check the free disk space for the engine's images and for the wheels of an image build."""
    known = [free for free in (facts.engine_free_bytes, facts.wheels_free_bytes) if free is not None]
    if not known:
        return make_finding("disk", Status.NOT_AVAILABLE, "unknown from this machine")
    if facts.image:
        free = facts.engine_free_bytes if facts.engine_free_bytes is not None else known[0]
        if free < _RUNNING_BYTES:
            advice = "The engine needs disk space for each container; remove unused images and files."
            return make_finding("disk", Status.WARNING, f"{_gb(free)} free for the engine", advice)
        return make_finding("disk", Status.OK, f"{_gb(free)} free for the engine")
    free = min(known)
    if free < BUILD_DISK_BYTES:
        advice = f"Building the image takes {_gb(BUILD_DISK_BYTES)} temporarily."
        return make_finding("disk", Status.BROKEN, f"{_gb(free)} free", advice)
    return make_finding("disk", Status.OK, f"{_gb(free)} free, enough to build the image")


def check_store(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that evaluations can be stored."""
    if facts.store_problem:
        advice = "Choose another folder with --store, or make this folder writable."
        return make_finding("store", Status.BROKEN, f"{facts.store}: {facts.store_problem}", advice)
    free = facts.store_free_bytes
    observation = f"{facts.store} can be written" + ("" if free is None else f", {_gb(free)} free")
    if free is not None and free < _STORE_BYTES:
        advice = "A full disk stops an evaluation; finished runs are preserved."
        return make_finding("store", Status.WARNING, observation, advice)
    return make_finding("store", Status.OK, observation)


def check_memory(facts: Facts, purpose: Purpose) -> Finding:
    """Check that workers reach their own memory limit before the host runs out of memory."""
    worker_bytes = all_workers_memory_bytes(purpose.limits)
    total, available = int(facts.info.get("MemTotal") or 0), facts.memory_available_bytes
    observation = f"workers may use {_gb(worker_bytes)} of {_gb(total)}"
    if total and worker_bytes > total:
        advice = "A run would exhaust the host before its limit. Lower the challenge's memory or concurrency."
        lost = "that a run that uses too much memory cannot harm other programs"
        return make_finding("memory", Status.BROKEN, observation, advice, lost=lost)
    if available is not None and worker_bytes > available:
        advice = f"Only {_gb(available)} are free now: other work on this host could run out of memory."
        return make_finding("memory", Status.WARNING, observation, advice)
    return make_finding("memory", Status.OK, observation)


def check_cores(facts: Facts, purpose: Purpose) -> Finding:
    """Check that concurrent runs have the cores that the challenge specifies."""
    limits, cores = purpose.limits, int(facts.info.get("NCPU") or 0)
    observation = f"{limits.cpus:g} of {cores} cores for {quantity(limits.concurrency, 'concurrent run')}"
    if cores and limits.cpus > cores:
        advice = f"The engine refuses to assign more cores than the host has; set cpus to {cores} or less."
        return make_finding("cores", Status.BROKEN, observation, advice)
    one_run = limits.of_one_run().cpus
    if one_run < cores and not facts.info.get("CPUSet"):
        advice = "The engine cannot hold containers to cores; use one that root runs."
        lost = "that a run in a long system call uses no more cores than its share (Linux 6.18 and later)"
        return make_finding("cores", Status.WARNING, observation, advice, lost=lost)
    if limits.cpus >= limits.concurrency and one_run != int(one_run):
        advice = (
            f"A run has a share of {one_run:g} cores and can use {int(one_run) + 1} for the time of a long "
            "system call (Linux 6.18 and later). Give challenges whole cores."
        )
        return make_finding("cores", Status.WARNING, observation, advice)
    if limits.cpus < limits.concurrency:
        advice = "Concurrent runs share cores: each takes longer, by an amount that depends on the others."
        lost = "that a run's time does not depend on concurrent runs"
        return make_finding("cores", Status.WARNING, observation, advice, lost=lost)
    return make_finding("cores", Status.OK, observation)


def check_load(facts: Facts, purpose: Purpose) -> Finding:
    """Check that the host is quiet enough for fair limits of wall time."""
    cores = int(facts.info.get("NCPU") or 0)
    if facts.load_1min is None or not cores:
        return make_finding("load", Status.NOT_AVAILABLE, "unknown from this machine")
    observation = f"{facts.load_1min:.1f} of {cores} cores busy over the last minute"
    if is_busy(facts, purpose):
        advice = (
            "Limits are wall time: other work can make a submission fail that would pass on a quiet host."
        )
        lost = "that time limits have the same effect now as on a quiet host"
        return make_finding("load", Status.WARNING, observation, advice, lost=lost)
    return make_finding("load", Status.OK, observation)


def is_busy(facts: Facts, purpose: Purpose) -> bool:
    """Return whether other work takes cores that the runs of a challenge need; False if it is not known."""
    cores = int(facts.info.get("NCPU") or 0)
    if facts.load_1min is None or not cores or facts.load_1min <= max(0.5, _QUIET_LOAD * cores):
        return False
    return facts.load_1min + purpose.limits.cpus > cores


def check_restart(facts: Facts, _purpose: Purpose) -> Finding:
    """Report the effect of an engine restart on runs in progress."""
    if facts.info.get("LiveRestoreEnabled"):
        advice = (
            "Containers survive a restart of the engine, unsupervised, until the next command removes them."
        )
        return make_finding("restart", Status.OK, "live-restore is on", advice)
    advice = "A restart of the engine ends the runs in progress; they are attempted again."
    return make_finding("restart", Status.OK, "live-restore is off", advice)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / _GIB:.1f} GiB"
