"""What a run can learn from /proc, /sys and its mounts: nothing of earlier runs, and little of the host.

In one worker, a run looks at half of the files and tries to set their times, a noisy one follows, and two more
look at everything, with another noisy one between them. A run in a second worker looks at everything, too.
Whatever differs and is not conceded here by name fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import pytest

from runner.clients.runs import EndedRun
from runner.engine.masked_paths import CGROUP_READABLE
from runner.verdict import Verdict

pytestmark = pytest.mark.container

RunSubmission = Callable[..., list[EndedRun]]

SOURCE = r"""
import hashlib, json, os, socket, stat, time, torch, zlib

LIMIT = 1 << 20

def content_of(path, mode):
    try:
        if stat.S_ISLNK(mode): return os.readlink(path).encode()
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try: return os.read(opened, LIMIT)
        finally: os.close(opened)
    except OSError: return b""

def servants():
    # Names for the supervisor and those that it forks, which do not depend on who was forked first.
    parents = {}
    for number in filter(str.isdigit, os.listdir("/proc")):
        try: status = open(f"/proc/{number}/status").read()
        except OSError: continue
        if "\nUid:\t0\t0" in status: parents[number] = status.split("\nPPid:\t")[1].split()[0]
    janitors = set(parents.values()) - {"0", "1"}  # only the janitor has children that are not runs
    return {
        number: "1" if number == "1" else "2" if number in janitors else "3" if parent == "1" else "4"
        for number, parent in parents.items()
    }

def look(chosen):
    seen, folders, named = {}, ["/proc", "/sys"], servants()
    while folders:
        folder = folders.pop()
        try: names = os.listdir(folder)
        except OSError: continue
        for name in names:
            path = f"{folder}/{name}"
            if folder == "/proc" and name.isdigit() and name not in named: continue
            if not chosen(path): continue
            try:
                found = os.lstat(path)
                if name == "fd":  # its size is the number of open files, and the janitor opens one at times
                    found = min((os.lstat(path) for _ in range(20)), key=lambda one: one.st_size)
            except OSError: continue
            content = b""
            if stat.S_ISDIR(found.st_mode): folders.append(path)
            else: content = content_of(path, found.st_mode)
            _, top, number, *rest = [*path.split("/", 3), ""]
            if top == "proc" and number in named:  # also the numbers of threads: /proc/7/task/7
                path = f"/proc/{named[number]}/" + rest[0].replace(f"task/{number}", f"task/{named[number]}")
            seen[path] = {
                "stat": [found.st_mode, found.st_nlink, found.st_uid, found.st_gid, found.st_size, found.st_blocks],
                "times": [found.st_mtime_ns, found.st_ctime_ns, found.st_atime_ns],
                "content": hashlib.sha256(content).hexdigest()[:16] if content else "",
            }
    return seen

def links():
    # Of processes, whose paths `look` gives other numbers.
    numbers = [number for number in os.listdir("/proc") if number in servants()]
    return [os.path.join(folder, name) for number in numbers
            for folder, folders, files in os.walk(f"/proc/{number}") if "/net" not in folder
            for name in (*folders, *files)]

def touch(path):
    # Whatever might set a time. What the kernel refuses is as good as not tried.
    attempts = (
        os.listxattr, lambda path: os.getxattr(path, "security.selinux"), os.utime, lambda path: os.truncate(path, 0),
        lambda path: os.utime(path, follow_symlinks=False), lambda path: os.chmod(path, 0o666),
        lambda path: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK)),
        lambda path: os.close(os.open(path, os.O_RDONLY | os.O_NOATIME | os.O_NONBLOCK)),
    )
    for attempt in attempts:
        try: attempt(path)
        except OSError: continue

def make_noise():
    for _ in range(77):
        if os.fork() == 0: os._exit(0)
    while True:
        try: os.wait()
        except ChildProcessError: break
    memory = bytearray(b"x") * (200 << 20)
    for index in range(500): open(f"/tmp/f{index}", "w").write("x" * 5000)
    pairs = [socket.socketpair() for _ in range(50)]
    look(lambda path: zlib.crc32(path.encode()[::-1]) % 2)
    print("A" * 200_000)

def unlearning(net, retain, forget, val):
    part = torch.initial_seed()
    if part == 0:
        time.sleep(0.1)  # the clock for the times of files is a tick late
        begun = time.time_ns()
        for path in (*look(lambda path: path.count("/") < 3 or zlib.crc32(path.encode()) % 2), *links()):
            touch(path)
        print(json.dumps([begun, time.time_ns()]))
    elif part == 1: make_noise()
    else: print(json.dumps({"files": look(lambda path: True), "mounts": open("/proc/self/mountinfo").read()}))
"""

LOOK_AT_HALF, NOISE, LOOK = 0, 1, 2

OF_PROCESSES: Final = frozenset(
    {"stat", "status", "statm", "sched", "schedstat", "children", "arch_status", "oom_score"}
)
"""Files of the supervisor, the zygote and the janitor that runs move: times that they slept, page counts, the
number of the process that was started last."""
OF_THE_HOST: Final = frozenset({"/proc/stat", "/proc/meminfo", "/proc/cpuinfo"})
OWN_NUMBER: Final = frozenset({"/proc/self", "/proc/thread-self"})
OF_THE_GROUP: Final = frozenset(f"/sys/fs/cgroup/{name}" for name in CGROUP_READABLE)
OF_THE_NETWORK: Final = frozenset({"protocols", "rt_cache", "sockstat", "softnet_stat", "netlink", "unix"})
OF_A_CONTAINER: Final = frozenset({"autogroup", "mountinfo", "mounts", "cgroup", "cpuset"})
"""Files of processes that differ between containers, and not while one lasts."""
READABLE: Final = (
    OF_THE_HOST | OF_THE_GROUP | {"/proc/mounts", "/proc/net", "/proc/self", "/proc/thread-self"}
)
"""All that has any content beside the files of processes."""

ROOTS: Final = frozenset({"overlay", "fuse.fuse-overlayfs"})
"""File systems of the image's root. Its writable layer is not used: the root is read-only."""
OF_MEMORY_OR_KERNEL: Final = frozenset(
    {"cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "proc", "sysfs", "tmpfs"}
)


@dataclass(frozen=True, slots=True)
class Looks:
    """What the runs saw: two in one worker, and one in another."""

    written_between: tuple[int, int]
    first: dict[str, dict[str, list[int] | str]]
    second: dict[str, dict[str, list[int] | str]]
    elsewhere: dict[str, dict[str, list[int] | str]]
    mounts: list[str]


@pytest.fixture(scope="module")
def looks(run_submission: RunSubmission) -> Looks:
    limits = {"log_bytes": 16 << 20, "wall_seconds": 300.0}  # on a busy machine they take minutes
    ended = run_submission(SOURCE, [LOOK_AT_HALF, NOISE, LOOK, NOISE, LOOK], **limits)
    (other,) = run_submission(SOURCE, [LOOK], **limits)
    assert [run.judgement.verdict for run in (*ended, other)] == [Verdict.OK] * 6, ended
    begin, end = json.loads(ended[0].log)
    first, second, elsewhere = (json.loads(run.log) for run in (ended[2], ended[4], other))
    return Looks(
        (begin, end), first["files"], second["files"], elsewhere["files"], first["mounts"].splitlines()
    )


def differing(
    one: dict[str, dict[str, list[int] | str]], two: dict[str, dict[str, list[int] | str]]
) -> set[str]:
    """Return the paths whose kind, size or content differ, of files that exist in both."""
    return {
        path
        for path in one.keys() & two.keys()
        if any(one[path][fact] != two[path][fact] for fact in ("stat", "content"))
    }


def not_conceded(paths: Iterable[str], of_processes: frozenset[str]) -> list[str]:
    """Return the paths that are in none of the lists above."""
    left = []
    for path in sorted(paths):
        name = path.rpartition("/")[2]
        if path in OF_THE_HOST | OF_THE_GROUP | OWN_NUMBER or ("/net/" in path and name in OF_THE_NETWORK):
            continue
        if re.match(r"/proc/\d+/", path) and name in of_processes:
            continue
        left.append(path)
    return left


def test_a_run_reads_from_no_files_times_which_ones_another_looked_at(looks: Looks) -> None:
    """Of all files, not one has a time within the run that looked at half of them and tried to touch them."""
    begin, end = looks.written_between
    tick_ns = 20_000_000
    assert len(looks.first) > 300
    leaking = [
        path
        for path, facts in looks.first.items()
        if any(begin - tick_ns <= moment <= end for moment in facts["times"] if isinstance(moment, int))
    ]
    assert leaking == []


def test_only_named_counters_differ_between_runs(looks: Looks) -> None:
    """In one worker, before and after a noisy run."""
    assert not_conceded(differing(looks.first, looks.second), OF_PROCESSES) == []


def test_only_named_counters_differ_between_containers(looks: Looks) -> None:
    """Runs with a container each read only these of the host and of each other."""
    assert not_conceded(differing(looks.first, looks.elsewhere), OF_PROCESSES | OF_A_CONTAINER) == []


def test_files_that_belong_to_no_process_are_empty_but_for_a_few(looks: Looks) -> None:
    """The rest of /proc and /sys is masked or has nothing to read, but for control groups' files of other kernels.

    Those are among the files that must not differ between runs.
    """
    readable = {
        path for path, facts in looks.first.items() if facts["content"] and not re.match(r"/proc/\d+/", path)
    }
    unknown = {path for path in readable - READABLE if not path.startswith("/sys/fs/cgroup/")}
    assert unknown == set()
    assert {"/proc/cpuinfo", "/proc/meminfo", "/proc/stat"} <= readable  # as far as libraries need it


def test_no_file_system_of_the_host_is_mounted_but_the_images_root(looks: Looks) -> None:
    """Whatever else is mounted is memory or the kernel's; nothing of the host's disks can be asked or flushed."""
    last_at = {line.split()[4]: line for line in looks.mounts}  # it hides what was mounted there before
    kinds = {place: line.split(" - ")[1].split()[0] for place, line in last_at.items()}
    assert kinds.pop("/") in ROOTS
    assert "ro" in last_at["/"].split()[5].split(",")
    assert {place: kind for place, kind in kinds.items() if kind not in OF_MEMORY_OR_KERNEL} == {}
    assert kinds["/etc/hostname"] == "tmpfs"  # /dev/null, over the engine's own file
