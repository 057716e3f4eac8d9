"""Check the kernel features on which the sandbox depends, as the engine uses them."""

from __future__ import annotations

from typing import Final

from runner.doctor.engine import chosen_runtime
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding, Status, make_finding
from runner.engine.container_spec import ULIMITS

_REQUIRED_LIMITS: Final = {
    "MemoryLimit": "memory",
    "PidsLimit": "processes",
    "CpuCfsQuota": "cores",
}
_MADV_COLLAPSE: Final = (6, 1)
"""First kernel with `MADV_COLLAPSE`, which makes the start of a run faster."""
_OVERCOMMIT: Final = {"0": "refuses obvious excess", "1": "refuses nothing", "2": "refuses beyond a total"}
"""What ``vm.overcommit_memory`` makes the kernel do with requests for memory."""
_CRASHES_LIMITED: Final = (6, 11)
"""First kernel that limits how often it writes that it dumps no crash, by its source."""
_FILES_OF_OTHERS: Final = 100_000
"""Open files that the other programs of the host may need."""


def check_kernel(facts: Facts, purpose: Purpose) -> Finding:
    """Report the kernel, without a guess about its fixes, which its version number does not show."""
    name = str(facts.info.get("KernelVersion", "?"))
    observation = f"{name}, {facts.info.get('OperatingSystem', '?')}, {facts.info.get('Architecture', '?')}"
    advice = "The version number does not show which fixes a kernel has: keep it updated."
    if chosen_runtime(facts, purpose) != "runsc":
        advice += " Containers of this runtime share it."
    if _numbers(name) < _MADV_COLLAPSE:
        advice += " Below 6.1, each run starts about 20 ms later."
    return make_finding("kernel", Status.OK, observation, advice)


def check_seccomp(facts: Facts, purpose: Purpose) -> Finding:
    """Check that the engine filters system calls by a profile."""
    options = _security(facts)
    profile = options.get("seccomp")
    lost = "that the system calls of a container are filtered"
    if profile is None:
        status = Status.WARNING if chosen_runtime(facts, purpose) == "runsc" else Status.BROKEN
        advice = "Use a kernel and an engine with seccomp: the sandbox needs the engine's default profile."
        return make_finding("seccomp", status, "the engine does not report seccomp", advice, lost=lost)
    if profile == "unconfined":
        advice = "Remove seccomp-profile from the engine's daemon.json."
        return make_finding("seccomp", Status.BROKEN, "the engine's profile is unconfined", advice, lost=lost)
    if profile not in {"default", "builtin", ""}:
        advice = "A custom profile is in use; this project was tested with the engine's default profile."
        return make_finding("seccomp", Status.WARNING, f"profile {profile}", advice)
    return make_finding("seccomp", Status.OK, f"profile {profile or 'default'}")


def check_mandatory_access(facts: Facts, _purpose: Purpose) -> Finding:
    """Check for mandatory access control, a second layer that confines containers."""
    active = [name for name in ("apparmor", "selinux") if name in _security(facts)]
    if active:
        return make_finding("mandatory-access", Status.OK, " and ".join(active))
    advice = "Only the other layers protect the host; enable AppArmor or SELinux if the kernel has one."
    lost = "that mandatory access control (AppArmor or SELinux) confines containers"
    return make_finding("mandatory-access", Status.WARNING, "neither AppArmor nor SELinux", advice, lost=lost)


def check_user_namespaces(facts: Facts, purpose: Purpose) -> Finding:
    """Check whether root in a container is an unprivileged user on the host."""
    options = _security(facts)
    if "rootless" in options:
        return make_finding("user-namespaces", Status.OK, "rootless: the engine itself has no privileges")
    if "userns" in options:
        return make_finding(
            "user-namespaces", Status.OK, "remapped: root in a container has no privileges on the host"
        )
    if chosen_runtime(facts, purpose) == "runsc":
        return make_finding(
            "user-namespaces", Status.OK, "not remapped; gVisor keeps root inside its own kernel"
        )
    advice = (
        "The supervisor is root with a few capabilities; runs are not root. Set userns-remap in the engine's "
        "daemon.json, or use a rootless engine (this project was tested with neither)."
    )
    lost = "that root in a container has no privileges on the host (user namespaces)"
    return make_finding("user-namespaces", Status.WARNING, "not remapped, not rootless", advice, lost=lost)


def check_cgroups(facts: Facts, _purpose: Purpose) -> Finding:
    """Check the version of the control groups, which enforce the limits."""
    version = str(facts.info.get("CgroupVersion") or "1")
    observation = f"version {version}, driver {facts.info.get('CgroupDriver', '?')}"
    if version != "1":
        return make_finding("cgroups", Status.OK, observation)
    advice = (
        "Limits are enforced. Version 1 has release_agent, a program that the kernel starts on the host; "
        "containers with more privileges than this project grants have escaped by it. Boot with version 2 "
        "if you can."
    )
    lost = "that control groups cannot start a program on the host (with version 1, root can)"
    return make_finding("cgroups", Status.WARNING, observation, advice, lost=lost)


def check_limits(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that the engine can limit memory, processes and cores."""
    missing = [word for name, word in _REQUIRED_LIMITS.items() if facts.info.get(name) is not True]
    if missing:
        advice = "A submission could use up the host. Enable these control groups in the kernel."
        lost = f"that a limit of {' and '.join(missing)} is enforced"
        return make_finding("limits", Status.BROKEN, f"cannot limit {', '.join(missing)}", advice, lost=lost)
    return make_finding("limits", Status.OK, "memory, processes and cores can be limited")


def check_swap(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that a run over its memory limit is ended and does not swap."""
    if facts.info.get("SwapLimit") is True:
        return make_finding("swap", Status.OK, "can be limited")
    if facts.swap_bytes == 0:
        return make_finding("swap", Status.OK, "cannot be limited, but this host has none")
    advice = (
        "A run over its memory limit swaps instead of ending, and slows the other runs. Boot with "
        "swapaccount=1, or disable swap."
    )
    lost = "that a run that reaches its memory limit is ended"
    return make_finding("swap", Status.WARNING, "cannot be limited", advice, lost=lost)


def check_overcommit(facts: Facts, _purpose: Purpose) -> Finding:
    """Check that no run is refused memory within its limit because other programs requested theirs."""
    mode = facts.overcommit_memory
    if mode not in _OVERCOMMIT:
        return make_finding("overcommit", Status.NOT_AVAILABLE, "unknown from this machine")
    observation = f"overcommit_memory: {mode}, {_OVERCOMMIT[mode]}"
    if mode != "2":
        return make_finding("overcommit", Status.OK, observation)
    advice = (
        "When the host has promised all memory, allocations of a run are refused although it is within its "
        "limit. Nothing shows whose fault that was: the run is judged as crashed, and that is final. "
        "Set: sysctl vm.overcommit_memory=0"
    )
    lost = "that a run is not judged for memory that other programs of the host use"
    return make_finding("overcommit", Status.WARNING, observation, advice, lost=lost)


def check_core_dumps(facts: Facts, purpose: Purpose) -> Finding:
    """Check that a crash in a container hands no memory to a program of the host.

    A run has changed its uid and executes only files that it cannot read, so ``fs.suid_dumpable`` decides
    whether the kernel dumps it. At 1, a run may also steer the kernel's memory killer. A program that the
    kernel would start is kept from that by the container's limit of 1 byte; a service at a socket is not.
    """
    pattern, dumpable = facts.core_pattern, facts.suid_dumpable
    if not pattern or not dumpable:
        return make_finding("core-dumps", Status.NOT_AVAILABLE, "unknown from this machine")
    observation = f"core_pattern: {pattern}; suid_dumpable: {dumpable}"
    if chosen_runtime(facts, purpose) == "runsc" or dumpable == "0":
        return make_finding("core-dumps", Status.OK, observation)
    if dumpable == "1":
        advice = (
            "Meant for debugging: when memory runs out, a run can choose the process that the kernel kills. "
            "Set: sysctl fs.suid_dumpable=0"
        )
        lost = "that the kernel kills a run that exhausts the memory before the supervisor"
        return make_finding("core-dumps", Status.WARNING, observation, advice, lost=lost)
    lost = "that a crash in a container reaches no program of the host"
    if pattern.startswith("@"):
        advice = (
            "The kernel passes the memory of a crashed run to the service at this socket, despite the "
            "container's limit. Set: sysctl fs.suid_dumpable=0"
        )
    elif pattern.startswith("|") and facts.engine_core_limit == "0":
        observation += "; hard limit of the engine's user: 0"
        advice = (
            "The kernel starts this program, as root, for each crash of a run: only at a limit of 1 byte it "
            "does not, which an engine without root can set only if its own hard limit allows it. Set: "
            "sysctl fs.suid_dumpable=0, or LimitCORE=infinity in the unit of the engine or of its user"
        )
    elif pattern.startswith("|") and _numbers(str(facts.info.get("KernelVersion", ""))) < _CRASHES_LIMITED:
        advice = (
            "Below Linux 6.11 (by its source), each crash of a run writes two lines into the kernel's log, "
            "as often as it crashes. To keep them out, set: sysctl fs.suid_dumpable=0"
        )
        return make_finding("core-dumps", Status.OK, observation, advice)
    else:
        return make_finding("core-dumps", Status.OK, observation)
    return make_finding("core-dumps", Status.WARNING, observation, advice, lost=lost)


def check_open_files(facts: Facts, purpose: Purpose) -> Finding:
    """Check that runs cannot open so many files that other programs of the host cannot open any."""
    if chosen_runtime(facts, purpose) == "runsc":
        return make_finding("open-files", Status.OK, "gVisor holds the open files of runs in its own kernel")
    if facts.file_max is None:
        return make_finding("open-files", Status.NOT_AVAILABLE, "unknown from this machine")
    max_files = purpose.limits.processes * purpose.limits.concurrency * ULIMITS["nofile"]
    observation = f"{facts.file_max} for the host, at most {max_files} of them for runs"
    if facts.file_max >= max_files + _FILES_OF_OTHERS:
        return make_finding("open-files", Status.OK, observation)
    advice = (
        "Runs can use all of them; programs of users other than root then cannot open files until the runs "
        f"end. Set: sysctl fs.file-max={max_files + _FILES_OF_OTHERS}, or lower the limit of processes"
    )
    lost = "that other programs of the host can open files during a run"
    return make_finding("open-files", Status.WARNING, observation, advice, lost=lost)


def _security(facts: Facts) -> dict[str, str]:
    """Return the profile of each of the engine's security options, by name."""
    options = {}
    for option in facts.info.get("SecurityOptions") or []:
        values = dict(part.partition("=")[::2] for part in str(option).split(","))
        name = values.get("name", str(option))
        options[name] = values.get("profile", "")
    return options


def _numbers(version: str) -> tuple[int, ...]:
    """Return the major and minor number of a kernel version."""
    parts = version.split("-", maxsplit=1)[0].split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())
