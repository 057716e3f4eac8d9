"""Is there enough of everything, so that limits mean what they say and runs are treated alike?"""

from __future__ import annotations

from typing import Final

from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding, Status
from runner.engine.container_spec import worker_memory_bytes
from runner.image.build import BUILD_DISK_BYTES

_GIB: Final = 1 << 30
_RUNNING_BYTES: Final = 2 * _GIB
_STORE_BYTES: Final = 1 * _GIB
_QUIET: Final = 0.25
"""Share of the cores that may be busy with other work before it is worth a word."""
_PLAIN_DRIVERS: Final = {"overlay", "overlay2", "overlayfs", "fuse-overlayfs", "btrfs", "zfs"}


def storage(facts: Facts, _purpose: Purpose) -> Finding:
    """Check the driver that containers get their root from."""
    driver = str(facts.info.get("Driver") or "?")
    if driver in _PLAIN_DRIVERS:
        return _finding("storage", Status.OK, driver)
    advice = "Each container may cost a copy of the image, 6 GB; this project was tried with overlay2."
    return _finding("storage", Status.WARNING, driver, advice)


def image(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that the image for the present inputs is built."""
    if facts.image:
        return _finding("image", Status.OK, facts.image)
    found = facts.image_problem or "image not built"
    return _finding("image", Status.BROKEN, found, "image not built; run: unlearn setup")


def disk(facts: Facts, _purpose: Purpose) -> Finding:
    """Check the room where the engine keeps images, and where building puts wheels."""
    known = [free for free in (facts.engine_free_bytes, facts.wheels_free_bytes) if free is not None]
    if not known:
        return _finding("disk", Status.NOT_AVAILABLE, "cannot be told from here")
    if facts.image:
        free = facts.engine_free_bytes if facts.engine_free_bytes is not None else known[0]
        if free < _RUNNING_BYTES:
            advice = "The engine needs some room for each container; remove what is not needed."
            return _finding("disk", Status.WARNING, f"{_gb(free)} free for the engine", advice)
        return _finding("disk", Status.OK, f"{_gb(free)} free for the engine")
    free = min(known)
    if free < BUILD_DISK_BYTES:
        advice = f"Building the image takes {_gb(BUILD_DISK_BYTES)} for a while."
        return _finding("disk", Status.BROKEN, f"{_gb(free)} free", advice)
    return _finding("disk", Status.OK, f"{_gb(free)} free, enough to build the image")


def store(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that evaluations can be kept."""
    if facts.store_problem:
        advice = "Choose another folder with --store, or make this one writable."
        return _finding("store", Status.BROKEN, f"{facts.store}: {facts.store_problem}", advice)
    free = facts.store_free_bytes
    found = f"{facts.store} can be written" + ("" if free is None else f", {_gb(free)} free")
    if free is not None and free < _STORE_BYTES:
        advice = "A full disk stops an evaluation; nothing that was finished is lost."
        return _finding("store", Status.WARNING, found, advice)
    return _finding("store", Status.OK, found)


def memory(facts: Facts, purpose: Purpose) -> Finding:
    """Check that a worker reaches its own limit of memory before the host's end."""
    wanted = worker_memory_bytes(purpose.limits)
    total, available = int(facts.info.get("MemTotal") or 0), facts.memory_available_bytes
    found = f"a worker may use {_gb(wanted)} of {_gb(total)}"
    if total and wanted > total:
        advice = "A run would exhaust the host before its limit. Lower the challenge's memory or concurrency."
        lost = "that a run that takes too much memory harms nobody else"
        return _finding("memory", Status.BROKEN, found, advice, lost=lost)
    if available is not None and wanted > available:
        advice = f"Only {_gb(available)} are free now: other work on this host would be in danger."
        return _finding("memory", Status.WARNING, found, advice)
    return _finding("memory", Status.OK, found)


def cores(facts: Facts, purpose: Purpose) -> Finding:
    """Check that the runs that go on together have the cores that the challenge says."""
    said, there = purpose.limits, int(facts.info.get("NCPU") or 0)
    found = f"{said.cpus:g} of {there} cores for {said.concurrency} run(s) at once"
    if there and said.cpus > there:
        advice = f"The engine refuses to give more cores than there are; set cpus to {there} or less."
        return _finding("cores", Status.BROKEN, found, advice)
    if said.cpus < said.concurrency:
        advice = "Runs at once share cores, so each takes longer, and how much depends on its neighbours."
        lost = "that a run's time is independent of the runs beside it"
        return _finding("cores", Status.WARNING, found, advice, lost=lost)
    return _finding("cores", Status.OK, found)


def load(facts: Facts, purpose: Purpose) -> Finding:
    """Check that the host is quiet enough for limits of wall time to be fair."""
    there = int(facts.info.get("NCPU") or 0)
    if facts.load_1min is None or not there:
        return _finding("load", Status.NOT_AVAILABLE, "cannot be told from here")
    found = f"{facts.load_1min:.1f} of {there} cores busy over the last minute"
    busy = facts.load_1min > max(0.5, _QUIET * there)
    if busy and facts.load_1min + purpose.limits.cpus > there:
        advice = "Limits are wall time: what else runs here now makes submissions fail that would pass alone."
        lost = "that time limits mean the same now as on a quiet host"
        return _finding("load", Status.WARNING, found, advice, lost=lost)
    return _finding("load", Status.OK, found)


def restart(facts: Facts, _purpose: Purpose) -> Finding:
    """Say what a restart of the engine does to runs that are going on."""
    if facts.info.get("LiveRestoreEnabled"):
        advice = "Containers outlive a restart of the engine, unwatched, until the next command removes them."
        return _finding("restart", Status.OK, "live-restore is on", advice)
    advice = "A restart of the engine ends the runs that are going on; they are attempted again."
    return _finding("restart", Status.OK, "live-restore is off", advice)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / _GIB:.1f} GiB"


_TITLES: Final = {
    "storage": "Storage driver",
    "image": "Image",
    "disk": "Disk of the engine",
    "store": "Store",
    "memory": "Memory",
    "cores": "Cores",
    "load": "Other work",
    "restart": "Restart of the engine",
}


def _finding(name: str, status: Status, found: str, advice: str = "", *, lost: str = "") -> Finding:
    return Finding(id=name, title=_TITLES[name], status=status, found=found, advice=advice, lost=lost)
