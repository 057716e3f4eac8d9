"""Check the engine, its runtimes and the GPU toolkit for tested versions and known container escapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runner.checkout import next_step
from runner.doctor.advisories import (
    CRUN_CVES,
    CRUN_FIXED,
    GVISOR_RECENT,
    RUNC_CVES,
    RUNC_FIXED,
    TOOLKIT_CVES,
    TOOLKIT_FIXED,
    PatchStatus,
    patch_status,
    release_date,
)
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding, Status, make_finding
from runner.doctor.proven import add_proof
from runner.engine.info import is_podman
from runner.wording import quantity

_OLDEST_TESTED_API: Final = (1, 41)
_OWN_IMAGE: Final = (
    "The exploits need an image or mounts from the attacker; here the organizer provides both, "
    "so they are hard to apply."
)
_NO_ESCAPE: Final = "that no published container escape works against the runtime"
_FILES_LIMITED: Final = "that the number of a run's files is limited, not only their memory"
_SECOND_KERNEL: Final = "that an exploit of the host's kernel is stopped by the sandbox's own kernel (gVisor)"


def check_engine(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that an engine answers and that its version was tested with this project."""
    if facts.engine_problem:
        lost = "that submissions can be run at all"
        advice = f"Or {next_step('unlearn setup')}"
        return make_finding("engine", Status.BROKEN, facts.engine_problem, advice, lost=lost)
    api = str(facts.version.get("ApiVersion", "?"))
    observation = f"{_product(facts)} {facts.version.get('Version', '?')}, API {api}"
    if facts.info.get("OSType", "linux") != "linux":
        return make_finding("engine", Status.BROKEN, observation, "Its containers are not Linux containers.")
    if is_podman(facts.version):
        advice = (
            "Podman does not limit the number of files: a run that creates files endlessly is ended by its "
            "memory limit, and the cleanup of many files takes long. Docker limits them. Tested with Podman "
            "4.3.1, as root."
        )
        return make_finding("engine", Status.WARNING, observation, advice, lost=_FILES_LIMITED)
    if _dotted(api) < _OLDEST_TESTED_API:
        advice = "Older than the oldest tested version (20.10, API 1.41); update it."
        return make_finding("engine", Status.WARNING, observation, advice)
    place = "" if facts.is_local else "; on another machine or in a virtual machine"
    return make_finding("engine", Status.OK, observation + place)


def check_runtime(facts: Facts, purpose: Purpose) -> Finding:
    """Check that the engine has the chosen runtime."""
    names, chosen = sorted(_runtimes(facts)), chosen_runtime(facts, purpose)
    observation = f"{chosen} is used; registered: {', '.join(names) or 'none reported'}"
    if purpose.runtime is not None and chosen not in names:
        advice = f"Install it with: unlearn setup --runtime {chosen}; or choose another runtime."
        return make_finding("runtime", Status.BROKEN, observation, advice)
    return make_finding("runtime", Status.OK, observation)


def check_runc(facts: Facts, purpose: Purpose) -> Finding | None:
    """Check runc, which the NVIDIA runtime uses too, for the escapes of 2025."""
    text = _component(facts, "runc") or facts.programs.get("runc", "")
    if not text and "runc" not in _runtimes(facts):
        return None
    version = text or "version not reported"
    patched = patch_status(text, RUNC_FIXED)
    if patched is PatchStatus.FIXED:
        return make_finding("runc", Status.OK, version, f"It includes the fixes for {RUNC_CVES}.")
    used = chosen_runtime(facts, purpose) not in {"runsc", "crun"}
    if patched is PatchStatus.VULNERABLE:
        advice = f"Below 1.2.8 and 1.3.3: vulnerable to {RUNC_CVES}; update it. {_OWN_IMAGE}"
        return make_finding("runc", Status.WARNING, version, advice, lost=_NO_ESCAPE if used else "")
    advice = (
        "Fixed upstream in 1.2.8 and 1.3.3. The version number does not show whether this build includes "
        f"the fixes for {RUNC_CVES}, since distributions backport them: check the distribution's advisories. "
        f"{_OWN_IMAGE}"
    )
    return make_finding("runc", Status.WARNING, version, advice, lost=_NO_ESCAPE if used else "")


def check_crun(facts: Facts, purpose: Purpose) -> Finding | None:
    """Check crun, if it is registered: its version, and whether the host can end runs under it."""
    if "crun" not in _runtimes(facts):
        return None
    text = _one_line(facts.programs.get("crun", ""))
    if not text:
        advice = "Check the version by hand."
        return make_finding("crun", Status.WARNING, "registered; version not reported", advice)
    if facts.crun_is_profiled:
        advice = (
            "With it, no process in a container may end another, so no run could be ended: runs are refused. "
            "Use runc, or remove the profile (docs/organizers.md)."
        )
        status = Status.BROKEN if chosen_runtime(facts, purpose) == "crun" else Status.WARNING
        return make_finding("crun", status, f"{text}; AppArmor has a profile for crun", advice)
    if patch_status(text, CRUN_FIXED) is not PatchStatus.FIXED and "+LIBKRUN" in facts.programs["crun"]:
        advice = f"Below 1.20 and built with krun: {CRUN_CVES} affects containers that use krun; update it."
        return make_finding("crun", Status.WARNING, text, advice)
    advice = (
        f"Its maintainers could not reproduce {RUNC_CVES} with it; {CRUN_CVES} (below 1.20) is in its krun "
        "handler, which this project does not use."
    )
    return make_finding("crun", Status.OK, text, advice)


def check_gvisor(facts: Facts, purpose: Purpose) -> Finding:
    """Check whether gVisor, a runtime with its own kernel, is registered and chosen."""
    if "runsc" not in _runtimes(facts):
        advice = (
            "Untrusted code calls the host kernel directly. Install gVisor: unlearn setup --runtime runsc"
        )
        if is_podman(facts.version):
            advice += " (with Docker; with Podman, a container cannot select it)"
        return make_finding("gvisor", Status.WARNING, "runsc is not registered", advice, lost=_SECOND_KERNEL)
    text = _one_line(facts.programs.get("runsc", "")) or "registered; version not reported"
    date = release_date(text)
    used = chosen_runtime(facts, purpose) == "runsc"
    lost = "" if used else _SECOND_KERNEL
    if date is None or date < GVISOR_RECENT:
        advice = (
            "gVisor publishes fixes in new releases only, and this one is old or has no date. This project "
            "knows of no published escape from it."
        )
        return make_finding("gvisor", Status.WARNING, text, advice, lost=lost)
    advice = "" if used else "Not chosen; for code that nobody has reviewed, use: --runtime runsc"
    return make_finding("gvisor", Status.OK, text, advice, lost=lost)


def check_gpu(facts: Facts, _purpose: Purpose) -> Finding:
    """Check for GPUs, and check the toolkit that adds them to containers for the escape of 2025."""
    text = _one_line(facts.programs.get("nvidia-ctk", ""))
    discovered = facts.info.get("DiscoveredDevices") or []
    offered = any("nvidia.com/gpu" in str(device) for device in discovered)
    toolkit = bool(text) or offered or "nvidia" in _runtimes(facts)
    devices = quantity(len(facts.gpu_devices), "device") if facts.gpu_devices else "no device"
    if not toolkit:
        advice = (
            add_proof("Containers cannot use the devices without the NVIDIA container toolkit.")
            if facts.gpu_devices
            else "Runs will use the CPU."
        )
        return make_finding("gpu", Status.NOT_AVAILABLE, f"{devices}, no NVIDIA container toolkit", advice)
    observation = f"{devices}; {text or 'NVIDIA container toolkit, version not reported'}"
    patched = patch_status(text, TOOLKIT_FIXED)
    if patched is PatchStatus.FIXED:
        return make_finding("gpu", Status.OK, observation, add_proof(""))
    advice = f"Below 1.17.8: vulnerable to {TOOLKIT_CVES}, an escape to root on the host; update it."
    if patched is PatchStatus.UNKNOWN:
        advice = f"The version number does not show whether {TOOLKIT_CVES} is fixed (1.17.8); check by hand."
    return make_finding("gpu", Status.WARNING, observation, add_proof(advice), lost=_NO_ESCAPE)


def chosen_runtime(facts: Facts, purpose: Purpose) -> str:
    """Return the name of the runtime under which containers would start."""
    return purpose.runtime or str(facts.info.get("DefaultRuntime") or "runc")


def _runtimes(facts: Facts) -> Mapping[str, Any]:
    """Return the runtimes under which the engine can start containers, by name."""
    runtimes = facts.info.get("Runtimes")
    if not isinstance(runtimes, Mapping):
        return {}
    if is_podman(facts.version):  # it lists every runtime that it knows, and uses only the default one
        return {name: runtimes[name] for name in runtimes if name == facts.info.get("DefaultRuntime")}
    return runtimes


def _component(facts: Facts, name: str) -> str:
    """Return a component's version as the engine reports it, or the package's own version if it is longer."""
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
