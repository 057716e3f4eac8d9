"""Does the host's kernel, as the engine uses it, hold what the wall is built on?"""

from __future__ import annotations

from typing import Final

from runner.doctor.engine import chosen_runtime
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding, Status
from runner.engine.container_spec import OPEN_FILES

_NEEDED_LIMITS: Final = {
    "MemoryLimit": "memory",
    "PidsLimit": "processes",
    "CpuCfsQuota": "cores",
}
_MADV_COLLAPSE: Final = (6, 1)
_FILES_OF_OTHERS: Final = 100_000


def kernel(facts: Facts, purpose: Purpose) -> Finding:
    """Name the kernel: what a number cannot tell is said, not guessed."""
    name = str(facts.info.get("KernelVersion", "?"))
    found = f"{name}, {facts.info.get('OperatingSystem', '?')}, {facts.info.get('Architecture', '?')}"
    told = "Whether a kernel has the fixes it needs cannot be told by its number: keep it updated."
    if chosen_runtime(facts, purpose) != "runsc":
        told += " Containers of this runtime share it."
    if _numbers(name) < _MADV_COLLAPSE:
        told += " Below 6.1 the start of each run takes some 20 ms longer."
    return _finding("kernel", Status.OK, found, told)


def seccomp(facts: Facts, purpose: Purpose) -> Finding:
    """Check that the engine filters system calls, and with a profile."""
    options = _security(facts)
    profile = options.get("seccomp")
    lost = "that the system calls of a container are filtered"
    if profile is None:
        status = Status.WARNING if chosen_runtime(facts, purpose) == "runsc" else Status.BROKEN
        advice = "Use a kernel and an engine with seccomp: the wall rests on the engine's default profile."
        return _finding("seccomp", status, "the engine says nothing of seccomp", advice, lost=lost)
    if profile == "unconfined":
        advice = "Remove seccomp-profile from the engine's daemon.json."
        return _finding("seccomp", Status.BROKEN, "the engine's profile is unconfined", advice, lost=lost)
    if profile not in {"default", "builtin", ""}:
        advice = "A profile of your own holds; this project was tried with the engine's."
        return _finding("seccomp", Status.WARNING, f"profile {profile}", advice)
    return _finding("seccomp", Status.OK, f"profile {profile or 'default'}")


def mandatory_access(facts: Facts, _purpose: Purpose) -> Finding:
    """Check for a second rule of the kernel that confines containers."""
    active = [name for name in ("apparmor", "selinux") if name in _security(facts)]
    if active:
        return _finding("mandatory-access", Status.OK, " and ".join(active))
    advice = "The other layers stand alone; turn on AppArmor or SELinux if the kernel has one."
    lost = "that a second rule of the kernel (AppArmor or SELinux) confines a container"
    return _finding("mandatory-access", Status.WARNING, "neither AppArmor nor SELinux", advice, lost=lost)


def user_namespaces(facts: Facts, purpose: Purpose) -> Finding:
    """Check whether root in a container is somebody harmless outside."""
    options = _security(facts)
    if "rootless" in options:
        return _finding("user-namespaces", Status.OK, "rootless: the engine itself has no privileges")
    if "userns" in options:
        return _finding("user-namespaces", Status.OK, "remapped: root in a container is nobody outside")
    if chosen_runtime(facts, purpose) == "runsc":
        return _finding("user-namespaces", Status.OK, "not remapped; gVisor keeps root inside its own kernel")
    advice = (
        "The supervisor is root with a few capabilities, runs are not; set userns-remap in the engine's "
        "daemon.json, or use a rootless engine (this project was tried with neither)."
    )
    lost = "that root in a container is nobody outside (user namespaces)"
    return _finding("user-namespaces", Status.WARNING, "not remapped, not rootless", advice, lost=lost)


def cgroups(facts: Facts, _purpose: Purpose) -> Finding:
    """Check the version of the control groups that limits are enforced with."""
    version = str(facts.info.get("CgroupVersion") or "1")
    found = f"version {version}, driver {facts.info.get('CgroupDriver', '?')}"
    if version != "1":
        return _finding("cgroups", Status.OK, found)
    advice = (
        "Limits hold. Version 1 knows release_agent, a program that the kernel starts on the host, by which "
        "containers with more rights than ours have escaped. Boot with version 2 if you can."
    )
    lost = "that control groups offer no way to start a program on the host (version 1 does, to root)"
    return _finding("cgroups", Status.WARNING, found, advice, lost=lost)


def limits(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that memory, processes and cores can be limited at all."""
    missing = [word for name, word in _NEEDED_LIMITS.items() if facts.info.get(name) is not True]
    if missing:
        advice = "A submission could take all that the host has. Turn on these control groups in the kernel."
        lost = f"that a limit of {' and '.join(missing)} holds"
        return _finding("limits", Status.BROKEN, f"cannot limit {', '.join(missing)}", advice, lost=lost)
    return _finding("limits", Status.OK, "memory, processes and cores can be limited")


def swap(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that memory over its limit means an end, and not swapping."""
    if facts.info.get("SwapLimit") is True:
        return _finding("swap", Status.OK, "can be limited")
    if facts.swap_bytes == 0:
        return _finding("swap", Status.OK, "cannot be limited, but this host has none")
    advice = (
        "A run over its memory limit swaps instead of ending, and slows its neighbours. Boot with "
        "swapaccount=1, or turn swap off."
    )
    lost = "that a run that reaches its memory limit ends"
    return _finding("swap", Status.WARNING, "cannot be limited", advice, lost=lost)


def core_dumps(facts: Facts, purpose: Purpose) -> Finding:
    """Check that a crash in a container starts no program on the host.

    A run has changed its uid and executes only what it cannot read, so ``fs.suid_dumpable`` decides
    whether the kernel dumps it, and at 1 whether it may steer the kernel's memory killer as well.
    """
    pattern, dumpable = facts.core_pattern, facts.suid_dumpable
    if not pattern or not dumpable:
        return _finding("core-dumps", Status.NOT_AVAILABLE, "cannot be told from here")
    found = f"core_pattern: {pattern}; suid_dumpable: {dumpable}"
    if chosen_runtime(facts, purpose) == "runsc" or dumpable == "0":
        return _finding("core-dumps", Status.OK, found)
    if dumpable == "1":
        advice = (
            "Meant for debugging: a run may say whom the kernel ends first when memory runs out. "
            "Set: sysctl fs.suid_dumpable=0"
        )
        lost = "that a run which exhausts the memory is ended before the supervisor"
        return _finding("core-dumps", Status.WARNING, found, advice, lost=lost)
    if not pattern.startswith("|"):
        return _finding("core-dumps", Status.OK, found)
    advice = (
        "The kernel gives the memory of a run that crashes to this program, on the host and as root, "
        "whatever the container's limit says. Set: sysctl fs.suid_dumpable=0"
    )
    lost = "that a crash in a container starts no program on the host"
    return _finding("core-dumps", Status.WARNING, found, advice, lost=lost)


def open_files(facts: Facts, purpose: Purpose) -> Finding:
    """Check that runs cannot open so many files that other programs of the host open none."""
    if chosen_runtime(facts, purpose) == "runsc":
        return _finding("open-files", Status.OK, "gVisor keeps the files of runs inside its own kernel")
    if facts.file_max is None:
        return _finding("open-files", Status.NOT_AVAILABLE, "cannot be told from here")
    most = purpose.limits.processes * purpose.limits.concurrency * OPEN_FILES
    found = f"{facts.file_max} for the host, at most {most} of them for runs"
    if facts.file_max >= most + _FILES_OF_OTHERS:
        return _finding("open-files", Status.OK, found)
    advice = (
        "Runs may open all of them, and programs that are not root's get none until these runs end. "
        f"Set: sysctl fs.file-max={most + _FILES_OF_OTHERS}, or let runs have fewer processes"
    )
    lost = "that runs leave the host's other programs files to open"
    return _finding("open-files", Status.WARNING, found, advice, lost=lost)


def _security(facts: Facts) -> dict[str, str]:
    """Return the engine's security options, by name, with their profile."""
    found = {}
    for option in facts.info.get("SecurityOptions") or []:
        values = dict(part.partition("=")[::2] for part in str(option).split(","))
        name = values.get("name", str(option))
        found[name] = values.get("profile", "")
    return found


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split("-", maxsplit=1)[0].split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())


_TITLES: Final = {
    "kernel": "Kernel",
    "seccomp": "Filter of system calls",
    "mandatory-access": "AppArmor or SELinux",
    "user-namespaces": "User namespaces",
    "cgroups": "Control groups",
    "limits": "Limits",
    "swap": "Limit of swap",
    "core-dumps": "Core dumps",
    "open-files": "Open files",
}


def _finding(name: str, status: Status, found: str, advice: str = "", *, lost: str = "") -> Finding:
    return Finding(id=name, title=_TITLES[name], status=status, found=found, advice=advice, lost=lost)
