"""The worker: a submission in, checkpoints out.

    host ── job, data (original, retain, forget, val), submission ──>   <── ready ── container
    host ── run i seed ──>                              <── log i ..., finished i ──

The order of the steps is essential. The janitor is forked first, so that it stays small. Then the
zygote is forked, which imports torch once, starts no thread and uses no device; runs are forked from
it. This process stays between them and the host, and imports neither torch nor the submission.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox.protocol.jobs import READERS_GID, WorkerJob
from sandbox.protocol.messages import TO_WORKER
from sandbox.stdio import Stdio
from sandbox.surroundings import surroundings
from sandbox.worker.cleanup.file_times import hold_times, read_mounted_files
from sandbox.worker.entry import year_2023
from sandbox.worker.entry.preload import count_cores, modules_to_preload, wait_without_epoll
from sandbox.worker.janitor import Janitor
from sandbox.worker.scratch import SCRATCH, assign_groups
from sandbox.worker.supervisor import Supervisor
from sandbox.worker.unreadable import can_execute_unreadable
from sandbox.worker.zygote import UnreadyError, Zygote

if TYPE_CHECKING:
    from sandbox.worker.child import RunInputs


DATA: Final = ("original", "retain", "forget", "val")
_TERMINALS: Final = Path("/dev/pts/ptmx")
_UNFIT: Final = "no process in a container may end another, so no run could be ended"

_MADV_HUGEPAGE: Final = 14
_MADV_COLLAPSE: Final = 25
_HUGE_PAGE: Final = 2 << 20
_MIN_RUNS_FOR_HUGE_PAGES: Final = 48


def _libseccomps_program() -> bytes:
    from sandbox.seccomp import program  # noqa: PLC0415 - loads libseccomp

    return program()


def main(syscall_filter: Callable[[], bytes] = _libseccomps_program, *, is_alone: bool = True) -> None:
    """Serve until the host sends stop or disconnects.

    Args:
        syscall_filter: Returns the second seccomp filter; called in the zygote.
        is_alone: Whether nothing but runs is in this container; False on a machine that others use.
    """
    started_at = time.monotonic()
    stdio = Stdio(TO_WORKER)
    job: WorkerJob | None = None
    received: dict[str, bytes] = {}
    janitor: Janitor | None = None
    for frame in stdio.frames():
        if frame.kind == "job":
            job = WorkerJob.from_json(frame.payload)
            slots = range(job.concurrency)
            assign_groups({SCRATCH / str(slot): job.first_slot_gid + slot for slot in slots})
            _close_terminals()
            janitor = Janitor(helpers=job.concurrency, is_alone=is_alone)
        elif frame.kind in ("data", "submission"):
            name = "submission" if frame.kind == "submission" else frame.text("name")
            received[name] = frame.payload
        else:
            return
        if job is not None and janitor is not None and received.keys() >= {*DATA, "submission"}:
            break
    else:
        return
    _serve(job, received, stdio, janitor, syscall_filter=syscall_filter, started_at=started_at)


def _close_terminals() -> None:
    """Forbid terminals to runs: all containers of a host share a limited number, and runs need none."""
    with contextlib.suppress(OSError):  # gVisor has its own terminals
        _TERMINALS.chmod(0o600)


def _can_end_other_processes() -> bool:
    """Return whether a process in this container may end another; without that, no run can be cleaned up.

    Where the runtime has its own AppArmor profile (crun in Debian 13), a container with no_new_privs has a
    label that combines two profiles, and Docker's profile accepts no signal from that label for its own.
    """
    read_fd, write_fd = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_fd)
        os.read(read_fd, 1)
        os._exit(0)
    os.close(read_fd)
    try:
        os.kill(child, signal.SIGKILL)
    except PermissionError:
        return False
    finally:
        os.close(write_fd)
        os.waitpid(child, 0)
    return True


def _serve(
    job: WorkerJob,
    received: dict[str, bytes],
    stdio: Stdio,
    janitor: Janitor,
    *,
    syscall_filter: Callable[[], bytes],
    started_at: float,
) -> None:
    if not _can_end_other_processes():
        stdio.send("unfit", reason=_UNFIT)
        return
    seen = surroundings()
    zygote = Zygote(lambda: _load(job, received, syscall_filter))
    received.clear()
    supervisor = Supervisor(job, stdio, janitor, zygote)
    try:
        zygote.await_ready()
    except UnreadyError as error:
        stdio.send("unready", reason=str(error))
        return
    read_mounted_files()
    hold_times()
    stdio.send("ready", seen, seconds=time.monotonic() - started_at)
    supervisor.serve()


def _load(job: WorkerJob, received: dict[str, bytes], syscall_filter: Callable[[], bytes]) -> RunInputs:
    """Import torch and build the inputs that every run receives; called in the zygote."""
    # Comes first, because it forks, and this process is still small.
    groups = () if can_execute_unreadable() else (READERS_GID,)
    gc.disable()  # imports create many objects and no garbage: a seventh of their time
    year_2023.install()
    submission = received.pop("submission")
    for module in modules_to_preload(submission, job.architecture_source or ""):
        importlib.import_module(module)
    count_cores()
    wait_without_epoll()
    # Imported late, because they import torch, which the supervisor never does.
    import torch  # noqa: PLC0415

    from sandbox.networks.architectures import load, prepare  # noqa: PLC0415
    from sandbox.networks.datasets import dataset, read_split  # noqa: PLC0415
    from sandbox.networks.precision import exact_arithmetic_of_runs  # noqa: PLC0415
    from sandbox.worker.checkpoint import checkpoint_bytes  # noqa: PLC0415
    from sandbox.worker.child import RunInputs, seed_everything  # noqa: PLC0415
    from sandbox.worker.entry.contest_files import class_weights  # noqa: PLC0415
    from sandbox.worker.same_network import digests_of  # noqa: PLC0415

    torch.set_num_threads(1)
    if job.device != "cpu":  # as references were trained, or the difference would count against a submission
        exact_arithmetic_of_runs()
    prepare(job.architecture)
    original = read_split(received.pop("original"))
    dtypes = {name: tensor.dtype for name, tensor in original.items()}
    network = None
    if job.architecture_source is None:  # only runs import an organizer's own architecture
        try:
            network = load(job.architecture, job.classes, original)
        except ValueError as error:
            raise UnreadyError(str(error)) from error
        original = network.state_dict()  # the same memory: the weights are not kept twice
    columns = {  # popped, or large data would be in memory twice as long as the worker runs
        split: read_split(received.pop(split)) for split in ("retain", "forget", "val")
    }
    items = {split: dataset(rows, job.item_format) for split, rows in columns.items()}
    labels = [label for split in ("retain", "forget") for label in columns[split]["label"].tolist()]
    weights = class_weights(labels, job.classes) if job.item_format == "dict" else None
    del columns, labels
    inputs = RunInputs(
        architecture=job.architecture,
        architecture_source=job.architecture_source,
        classes=job.classes,
        batch_size=job.batch_size,
        device=job.device,
        threads=job.threads,
        processes=job.processes,
        wall_seconds=job.wall_seconds,
        network=network,
        original=original,
        dtypes=dtypes,
        digests=digests_of(network) if network is not None else {},
        retain=items["retain"],
        forget=items["forget"],
        val=items["val"],
        groups=groups,
        class_weights=weights,
        syscall_filter=syscall_filter(),
        submission=submission,
    )
    # What these read and import at the first call, no run does again.
    seed_everything(0)
    if network is not None:
        checkpoint_bytes(network, dtypes)
    _remove_temporary_files()
    gc.enable()
    gc.collect()
    gc.freeze()
    if job.runs >= _MIN_RUNS_FOR_HUGE_PAGES:
        _collapse_into_huge_pages()
    return inputs


def _remove_temporary_files() -> None:
    """Remove the files that imports left in /tmp, before a run can find them."""
    for entry in Path(tempfile.gettempdir()).iterdir():
        shutil.rmtree(entry, ignore_errors=True)


def _collapse_into_huge_pages() -> None:
    """Collapse this process's memory into huge pages, where the kernel supports it (Linux 6.1).

    Forking copies one entry for each page. After `import torch` these are 90 000 small pages, and a fork
    takes three to four times as long as with huge pages. A kernel that refuses loses nothing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in Path("/proc/self/maps").read_text().splitlines():
        columns = line.split()
        anonymous = len(columns) == 5 or columns[5] == "[heap]"
        if not anonymous or not columns[1].startswith("rw-p"):
            continue
        low, high = (int(value, 16) for value in columns[0].split("-"))
        first = -(-low // _HUGE_PAGE) * _HUGE_PAGE
        for page in range(first, high - _HUGE_PAGE + 1, _HUGE_PAGE):
            if libc.madvise(page, _HUGE_PAGE, _MADV_HUGEPAGE) == 0:
                libc.madvise(page, _HUGE_PAGE, _MADV_COLLAPSE)
