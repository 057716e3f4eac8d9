"""Is the engine one that can be relied on, and is a runtime of it known to be escaped from?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runner.doctor.advisories import (
    CRUN_FIXED,
    CRUN_HOLES,
    GVISOR_RECENT,
    RUNC_FIXED,
    RUNC_HOLES,
    TOOLKIT_FIXED,
    TOOLKIT_HOLES,
    PatchStatus,
    patch_status,
    release_date,
)
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding, Status
from runner.engine.info import is_podman

_OLDEST_API_TRIED: Final = (1, 41)
_OWN_IMAGE: Final = (
    "They need an image or mounts of the attacker's; here both are the organizer's own, "
    "so they are hard to use."
)
_NO_ESCAPE: Final = "that no container escape known by name works against the runtime"
_FILES_LIMITED: Final = "that the files of a run are limited in number, and not by memory alone"
_SECOND_KERNEL: Final = "that a hole in the host's kernel stays behind a kernel of the sandbox's own (gVisor)"


def engine(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that an engine answers, of a version that this project was tried with."""
    if facts.engine_problem:
        lost = "that submissions can be run at all"
        return _finding("engine", Status.BROKEN, facts.engine_problem, "Or run: unlearn setup", lost=lost)
    api = str(facts.version.get("ApiVersion", "?"))
    found = f"{_product(facts)} {facts.version.get('Version', '?')}, API {api}"
    if facts.info.get("OSType", "linux") != "linux":
        return _finding("engine", Status.BROKEN, found, "Its containers are not Linux containers.")
    if is_podman(facts.version):
        advice = (
            "Podman does not limit the number of files: a run that makes them without end is ended for its "
            "memory, and many take long to clear away. Docker limits them. Tried with Podman 4.3.1, as root."
        )
        return _finding("engine", Status.WARNING, found, advice, lost=_FILES_LIMITED)
    if _dotted(api) < _OLDEST_API_TRIED:
        return _finding(
            "engine", Status.WARNING, found, "Older than what was tried (20.10, API 1.41); update it."
        )
    where = "" if facts.is_local else "; on another machine, or in a virtual one"
    return _finding("engine", Status.OK, found + where)


def runtime(facts: Facts, purpose: Purpose) -> Finding:
    """Check that the runtime to be used is registered with the engine."""
    names, chosen = sorted(_runtimes(facts)), chosen_runtime(facts, purpose)
    found = f"{chosen} to be used; registered: {', '.join(names) or 'none is named'}"
    if purpose.runtime is not None and chosen not in names:
        advice = f"See: unlearn setup --runtime {chosen}; or choose another."
        return _finding("runtime", Status.BROKEN, found, advice)
    return _finding("runtime", Status.OK, found)


def runc(facts: Facts, purpose: Purpose) -> Finding | None:
    """Check runc, which also stands behind the NVIDIA runtime, for the escapes of 2025."""
    text = _component(facts, "runc") or facts.programs.get("runc", "")
    if not text and "runc" not in _runtimes(facts):
        return None
    shown = text or "its version is not said"
    told = patch_status(text, RUNC_FIXED)
    if told is PatchStatus.FIXED:
        return _finding("runc", Status.OK, shown, f"It has the fixes for {RUNC_HOLES}.")
    used = chosen_runtime(facts, purpose) not in {"runsc", "crun"}
    if told is PatchStatus.OLD:
        advice = f"Below 1.2.8 and 1.3.3: open to {RUNC_HOLES}; update it. {_OWN_IMAGE}"
        return _finding("runc", Status.WARNING, shown, advice, lost=_NO_ESCAPE if used else "")
    advice = (
        f"Fixed upstream in 1.2.8 and 1.3.3; whether this build has the fixes for {RUNC_HOLES} cannot be "
        f"told by its number, since distributions mend old versions: look them up with yours. {_OWN_IMAGE}"
    )
    return _finding("runc", Status.WARNING, shown, advice, lost=_NO_ESCAPE if used else "")


def crun(facts: Facts, purpose: Purpose) -> Finding | None:
    """Check crun, where it is registered: its version, and whether runs under it could be ended."""
    if "crun" not in _runtimes(facts):
        return None
    text = _one_line(facts.programs.get("crun", ""))
    if not text:
        return _finding("crun", Status.WARNING, "registered; its version is not said", "Look it up by hand.")
    if facts.crun_is_profiled:
        advice = (
            "No process in its containers may end another then, so no run could be ended: runs are refused. "
            "Use runc, or take the profile away (docs/organizers.md)."
        )
        status = Status.BROKEN if chosen_runtime(facts, purpose) == "crun" else Status.WARNING
        return _finding("crun", status, f"{text}; AppArmor has a profile for it", advice)
    if patch_status(text, CRUN_FIXED) is not PatchStatus.FIXED and "+LIBKRUN" in facts.programs["crun"]:
        advice = f"Below 1.20 and built with krun: {CRUN_HOLES}, for containers that ask for krun; update it."
        return _finding("crun", Status.WARNING, text, advice)
    advice = (
        f"Its maintainers could not reproduce {RUNC_HOLES} with it; {CRUN_HOLES} (below 1.20) is in its krun "
        "handler, which is not used here."
    )
    return _finding("crun", Status.OK, text, advice)


def gvisor(facts: Facts, purpose: Purpose) -> Finding:
    """Check that there is a runtime with a kernel of its own, and whether it is to be used."""
    if "runsc" not in _runtimes(facts):
        advice = (
            "Strangers' code meets the host's kernel itself. Install gVisor: unlearn setup --runtime runsc"
            + (" (with Docker: Podman lets no container choose it)" if is_podman(facts.version) else "")
        )
        return _finding("gvisor", Status.WARNING, "runsc is not registered", advice, lost=_SECOND_KERNEL)
    text = _one_line(facts.programs.get("runsc", "")) or "registered; its version is not said"
    date = release_date(text)
    used = chosen_runtime(facts, purpose) == "runsc"
    lost = "" if used else _SECOND_KERNEL
    if date is None or date < GVISOR_RECENT:
        advice = (
            "gVisor is mended in new releases only, and this one is old or does not say its date; no escape "
            "from it is known here by name."
        )
        return _finding("gvisor", Status.WARNING, text, advice, lost=lost)
    advice = "" if used else "It is there but not chosen; for code nobody has read, use: --runtime runsc"
    return _finding("gvisor", Status.OK, text, advice, lost=lost)


def gpu(facts: Facts, _purpose: Purpose) -> Finding:
    """Check for GPUs, and the toolkit that puts them into containers for the escape of 2025."""
    text = _one_line(facts.programs.get("nvidia-ctk", ""))
    offered = [one for one in facts.info.get("DiscoveredDevices") or [] if "nvidia.com/gpu" in str(one)]
    toolkit = bool(text or offered) or "nvidia" in _runtimes(facts)
    devices = f"{len(facts.gpu_devices)} device(s)" if facts.gpu_devices else "no device"
    if not toolkit:
        advice = (
            "The devices cannot be given to containers without the NVIDIA container toolkit."
            if facts.gpu_devices
            else "Runs will use the CPU."
        )
        return _finding("gpu", Status.NOT_AVAILABLE, f"{devices}, no NVIDIA container toolkit", advice)
    found = f"{devices}; {text or 'NVIDIA container toolkit, its version is not said'}"
    told = patch_status(text, TOOLKIT_FIXED)
    if told is PatchStatus.FIXED:
        return _finding("gpu", Status.OK, found)
    advice = f"Below 1.17.8 the toolkit is open to {TOOLKIT_HOLES}, an escape to root on the host; update it."
    if told is PatchStatus.CANNOT_BE_TOLD:
        advice = f"Whether it is 1.17.8 or newer ({TOOLKIT_HOLES}) cannot be told; look it up by hand."
    return _finding("gpu", Status.WARNING, found, advice, lost=_NO_ESCAPE)


def chosen_runtime(facts: Facts, purpose: Purpose) -> str:
    """Return the name of the runtime that containers would be started with."""
    return purpose.runtime or str(facts.info.get("DefaultRuntime") or "runc")


def _runtimes(facts: Facts) -> Mapping[str, Any]:
    found = facts.info.get("Runtimes")
    if not isinstance(found, Mapping):
        return {}
    if is_podman(facts.version):  # names all that it has heard of, and starts containers with one
        return {name: found[name] for name in found if name == facts.info.get("DefaultRuntime")}
    return found


def _component(facts: Facts, name: str) -> str:
    """Return a part's version as the engine says it, with the package's own where that is longer."""
    for part in facts.version.get("Components") or []:
        if part.get("Name") in (name, f"OCI Runtime ({name})"):  # Docker's and Podman's name for it
            version = str(part.get("Version", ""))
            commit = str((part.get("Details") or {}).get("GitCommit", ""))
            return commit if version and commit.startswith(version) else version
    return ""


def _product(facts: Facts) -> str:
    names = [str(part.get("Name", "")) for part in facts.version.get("Components") or []]
    return next((name for name in names if "podman" in name.lower()), "Docker")


def _dotted(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _one_line(text: str) -> str:
    return text.strip().splitlines()[0].strip() if text.strip() else ""


_TITLES: Final = {
    "engine": "Container engine",
    "runtime": "Container runtime",
    "runc": "Runtime runc",
    "crun": "Runtime crun",
    "gvisor": "Second kernel (gVisor)",
    "gpu": "GPU",
}


def _finding(name: str, status: Status, found: str, advice: str = "", *, lost: str = "") -> Finding:
    return Finding(id=name, title=_TITLES[name], status=status, found=found, advice=advice, lost=lost)
