"""Runs in real worker containers: each ends as it should, and can do nothing that is not allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from runner.clients.runs import EndedRun
from runner.engine.api import Engine
from runner.verdict import Verdict

pytestmark = pytest.mark.container

RunSubmission = Callable[..., list[EndedRun]]

ENDINGS = """
import ctypes, os, signal, sys, time, torch

def ok(net): return net
def raises(net): raise ValueError("no such luck")
def leaves(net): os._exit(0)
def exits(net): sys.exit(0)
def kills_itself(net): os.kill(os.getpid(), signal.SIGKILL)
def segfaults(net): ctypes.string_at(0)
def nan(net): net.fc.bias.data[0] = float("nan")
def infinite(net): net.fc.bias.data[0] = float("inf")
def wrong_shape(net): net.fc = torch.nn.Linear(64, 11)
def extra_tensor(net): net.register_buffer("extra", torch.zeros(3))
def loops(net):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True: pass
def sleeps(net): time.sleep(1000)
def blocks_in_c(net):
    libc = ctypes.PyDLL(None)  # holds the GIL
    while True: libc.sleep(1000)
def finite_but_late(net):
    import threading
    threading.Thread(target=time.sleep, args=(1000,)).start()
def writes_to_every_fd(net):
    for fd in range(256):
        try: os.write(fd, b"\\xff" * 64)
        except OSError: pass
def half(net): return net.half()
def huge(net):
    net.register_buffer("big", torch.zeros(5_000_000))

ALL = [ok, raises, leaves, exits, kills_itself, segfaults, nan, infinite, wrong_shape, extra_tensor,
       loops, sleeps, blocks_in_c, finite_but_late, writes_to_every_fd, half, huge, ok]

def unlearning(net, retain, forget, val):
    return ALL[torch.initial_seed()](net)
"""

EXPECTED = [
    ("ok", Verdict.OK, ""),
    ("raises", Verdict.CRASHED, "ValueError: no such luck"),
    ("leaves", Verdict.CRASHED, "exit code 0 before a result"),
    ("exits", Verdict.CRASHED, "SystemExit"),
    ("kills_itself", Verdict.CRASHED, "signal 9"),
    ("segfaults", Verdict.CRASHED, "signal 11"),
    ("nan", Verdict.BAD_CHECKPOINT, "fc.bias has values that are not finite"),
    ("infinite", Verdict.BAD_CHECKPOINT, "fc.bias has values that are not finite"),
    ("wrong_shape", Verdict.BAD_CHECKPOINT, "has shape"),
    ("extra_tensor", Verdict.BAD_CHECKPOINT, "extra not expected"),
    ("loops", Verdict.TIME_LIMIT, "8 s"),
    ("sleeps", Verdict.TIME_LIMIT, "8 s"),
    ("blocks_in_c", Verdict.TIME_LIMIT, "8 s"),
    ("finite_but_late", Verdict.OK, ""),
    ("writes_to_every_fd", Verdict.PROTOCOL, "something other than a result"),
    ("half", Verdict.OK, ""),
    ("huge", Verdict.OUTPUT_LIMIT, "larger"),
    ("ok", Verdict.OK, ""),
]


WALL_SECONDS = 8.0
"""Many times what the others take, on a busy machine too; nothing beside those that never end."""


@pytest.fixture(scope="module")
def endings(run_submission: RunSubmission) -> list[EndedRun]:
    return run_submission(ENDINGS, range(len(EXPECTED)), wall_seconds=WALL_SECONDS)


@pytest.mark.parametrize("case", range(len(EXPECTED)), ids=[row[0] for row in EXPECTED])
def test_each_ending_gets_its_verdict(endings: list[EndedRun], case: int) -> None:
    """In one worker, one after another: none harms the next, each is named truthfully."""
    _name, verdict, words = EXPECTED[case]
    ended = endings[case]
    assert ended.judgement.verdict is verdict, ended.judgement
    assert words in ended.judgement.detail
    assert bool(ended.checkpoint) == (verdict is Verdict.OK)


def test_processor_time_is_what_a_run_computes(endings: list[EndedRun]) -> None:
    """One that loops until its limit uses more than one that sleeps until then."""
    used = {name: run.processor_seconds for (name, *_), run in zip(EXPECTED, endings, strict=True)}
    loops, sleeps = used["loops"], used["sleeps"]
    assert loops is not None
    assert sleeps is not None
    assert loops > 2 * sleeps > 0


def test_a_run_that_ignores_everything_is_gone_soon_after_its_limit(endings: list[EndedRun]) -> None:
    """By the host's clock: it would have gone on for a quarter of an hour, or for ever."""
    late = [run for run in endings if run.judgement.verdict is Verdict.TIME_LIMIT]
    assert len(late) == 3
    assert all(WALL_SECONDS <= run.host_seconds < WALL_SECONDS + 30.0 for run in late)


def test_the_log_of_a_late_run_shows_where_it_was(endings: list[EndedRun]) -> None:
    """In Python, asleep, and in C with the interpreter's lock; a run that has ended shows nothing."""
    for run, (name, verdict, _words) in zip(endings, EXPECTED, strict=True):
        is_late = verdict is Verdict.TIME_LIMIT
        assert (b"Stack (most recent call first):\n" in run.log) == is_late, run.log
        assert bool(re.search(rb"submission.py\", line \d+ in %s\n" % name.encode(), run.log)) == is_late
        assert bool(re.search(r" s \(submission.py, line \d+\)$", run.judgement.detail)) == is_late


def test_memory_bombs_are_named_and_the_next_run_is_fine(run_submission: RunSubmission) -> None:
    """In the run itself and in a child of it; with a control that stays within its rights."""
    source = """
import os, subprocess, sys, torch
def unlearning(net, retain, forget, val):
    which = torch.initial_seed()
    if which == 0:
        kept = []
        while True: kept.append(bytearray(b"x") * (16 << 20))
    if which == 1:
        hog = "kept = []\\nwhile True: kept.append(bytearray(b'x') * (16 << 20))"
        raise SystemExit(subprocess.run([sys.executable, "-c", hog]).returncode)
    if which == 2:
        kept = bytearray(b"x") * (150 << 20)
    return net
"""
    ended = run_submission(source, [0, 1, 2], memory_bytes=400 << 20)
    assert ended[0].judgement.verdict is Verdict.MEMORY_LIMIT, ended[0].judgement
    assert ended[1].judgement.verdict in (Verdict.MEMORY_LIMIT, Verdict.CRASHED)
    assert ended[2].judgement.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def unlearning(net, retain, forget, val: return net", "SyntaxError"),
        ("import a_module_that_is_not_installed", "ModuleNotFoundError"),
        ("def unlearn(net, retain, forget, val): return net", "no function called unlearning"),
        ("unlearning = 3", "no function called unlearning"),
        ("async def unlearning(net, retain, forget, val): return net", "async def"),
        ("async def unlearning(*_):\n    yield 1", "async def"),
        ("def unlearning(net, retain, forget, val): yield net", "contains yield"),
        ("raise RuntimeError('at import')", "RuntimeError: at import"),
    ],
)
def test_without_a_function_the_verdict_says_why(
    run_submission: RunSubmission, source: str, words: str
) -> None:
    """`no-function`, with the reason."""
    (ended,) = run_submission(source)
    assert ended.judgement.verdict is Verdict.NO_FUNCTION
    assert words in ended.judgement.detail


@pytest.mark.parametrize(
    ("returned", "detail"),
    [
        (
            "copy.deepcopy(net), {'loss': 0.1}",
            "TypeError: unlearning returned a tuple with another network in it",
        ),
        ("[copy.deepcopy(net)]", "unlearning returned a list with another network in it"),
        ("{'net': copy.deepcopy(net)}", "unlearning returned a dict with another network in it"),
        ("net, [0.1, 0.2]", ""),
        ("0.5, None", ""),
        ("copy.deepcopy(net)", ""),
    ],
)
def test_a_network_inside_of_something_is_not_overlooked(
    run_submission: RunSubmission, returned: str, detail: str
) -> None:
    """Unless it is the one that was passed in: that one is taken."""
    (ended,) = run_submission(f"import copy\ndef unlearning(net, *_):\n    return {returned}")
    assert ended.judgement.verdict is (Verdict.CRASHED if detail else Verdict.OK)
    assert detail in ended.judgement.detail


PROBE = """
import json, os, socket, subprocess, torch

def attempt(what):
    try: return what()
    except Exception as error: return type(error).__name__

def unlearning(net, retain, forget, val):
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    def connect(family, address):
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.settimeout(2)
            one.connect(address)
    print(json.dumps({
        "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(),
        "capabilities": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")],
        "no_new_privs": status["NoNewPrivs"].strip(), "seccomp": status["Seccomp"].strip(),
        "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)),
        "environment": sorted(os.environ),
        "interfaces": sorted(line.split(":")[0].strip() for line in open("/proc/self/net/dev").readlines()[2:]),
        "netlink": attempt(socket.if_nameindex),
        "ipv4": attempt(lambda: connect(socket.AF_INET, ("1.1.1.1", 80))),
        "name": attempt(lambda: socket.create_connection(("example.org", 80), 2)),
        "root": attempt(lambda: open("/etc/mine", "w")),
        "image": attempt(lambda: open("/opt/unlearn/sandbox/mine.py", "w")),
        "supervisor_environment": attempt(lambda: open("/proc/1/environ").read()),
        "supervisor_memory": attempt(lambda: open("/proc/1/mem", "rb")),
        "supervisor_fds": attempt(lambda: os.listdir("/proc/1/fd")),
        "signal": attempt(lambda: os.kill(1, 9)),
        "root_again": attempt(lambda: os.setuid(0)),
        "shadow": attempt(lambda: open("/etc/shadow").read()),
        "mount": subprocess.run(["mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0,
        "hidden": subprocess.run(
            ["find", "/", "-path", "/proc", "-prune", "-o", "(", "-name", "test.safetensors", "-o", "-name", "references.npz",
             "-o", "-name", "submission.py", ")", "-print"],
            capture_output=True, text=True).stdout.split(),
    }))
"""


@pytest.fixture(scope="module")
def probed(run_submission: RunSubmission) -> dict[str, object]:
    (ended,) = run_submission(PROBE)
    assert ended.judgement.verdict is Verdict.OK, (ended.judgement, ended.traceback)
    answers: dict[str, object] = json.loads(ended.log)
    return answers


def test_a_run_has_an_identity_of_its_own_and_nothing_else(probed: dict[str, object]) -> None:
    """Its uid and gid, no capability, no way to gain any, three standard fds and its result pipe."""
    assert probed["uids"] == probed["gids"] == [10_000] * 3
    assert probed["groups"] in ([2000], [2001])
    assert probed["capabilities"] == ["0000000000000000"] * 4
    assert probed["no_new_privs"] == "1"
    assert probed["seccomp"] == "2"
    assert probed["fds"] == [0, 1, 2, 3]
    assert probed["root_again"] == "PermissionError"


def test_a_run_sees_no_host_no_network_and_no_hidden_data(probed: dict[str, object]) -> None:
    """Only the loopback interface; an environment from nothing; refused wherever it knocks."""
    assert probed["interfaces"] == ["lo"]
    assert probed["netlink"] == probed["ipv4"] == "OSError"
    assert probed["name"] == "gaierror"
    environment = probed["environment"]
    assert isinstance(environment, list)
    assert set(environment) <= {
        *("PATH", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"),
        *("LANG", "HOME", "TMPDIR", "OMP_NUM_THREADS", "HOSTNAME", "USER", "LOGNAME"),
        *("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK"),
        *("TORCHDYNAMO_DISABLE", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "MPLBACKEND", "MPLCONFIGDIR"),
    }
    for name in ("root", "image"):
        assert probed[name] == "OSError"  # the file system is read-only
    for name in (
        "supervisor_environment",
        "supervisor_memory",
        "supervisor_fds",
        "signal",
        "shadow",
    ):
        assert probed[name] == "PermissionError", name
    assert probed["mount"] is True
    own = [[f"/scratch/{slot}/run/.submission/submission.py"] for slot in (0, 1)]
    assert probed["hidden"] in own  # what it may see is found, what it may not is not


def test_nothing_of_a_run_is_left_for_the_next(run_submission: RunSubmission) -> None:
    """Not its daemons, not its files, however deep and forbidden; module state dies with it."""
    source = """
import json, os, subprocess, sys, time, torch
def others():
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try: lines = open(f"/proc/{name}/status").read().splitlines()
            except OSError: continue  # a servant that has just ended
            uids = next((line.split()[1:] for line in lines if line.startswith("Uid")), "0")
            if uids[0] != "0" and int(uids[0]) < 60_000: found.append(lines[0])
    return found
def unlearning(net, retain, forget, val):
    found = {
        "files": sorted(os.listdir("/tmp")) + sorted(os.listdir("/dev/shm")),
        "scratch": sorted(os.listdir(os.path.dirname(os.getcwd()))),
        "processes": others(),
        "module": getattr(torch, "left_behind", None),
        "tensor": float(retain.dataset.images.sum()),
    }
    print(json.dumps(found))
    torch.left_behind = True
    retain.dataset.images.zero_()
    for folder in ("/tmp", "/dev/shm", os.path.dirname(os.getcwd())):
        open(f"{folder}/left", "w").write("behind")
        os.makedirs(f"{folder}/deep/er", mode=0o700)
        os.chmod(f"{folder}/deep/er", 0)
    here = os.getcwd()
    for _ in range(3000):
        os.mkdir("d"); os.chdir("d")
    os.chdir(here)
    daemon = "import os, time\\nif os.fork() == 0:\\n os.setsid()\\n if os.fork() == 0:\\n  while True: time.sleep(0.1)"
    subprocess.run([sys.executable, "-c", daemon])
    return net
"""
    ended = run_submission(source, range(4))
    assert [run.judgement.verdict for run in ended] == [Verdict.OK] * 4, ended
    reports = [json.loads(run.log) for run in ended]
    assert reports[0]["files"] == reports[0]["processes"] == []
    assert all(report == reports[0] for report in reports), reports
    assert reports[0]["scratch"] == ["run"]  # the same name: no run learns its number


def test_a_fork_bomb_ends_with_its_run(run_submission: RunSubmission) -> None:
    """The next run has all its processes again."""
    source = """
import os, time, torch
def unlearning(net, retain, forget, val):
    if torch.initial_seed() == 0:
        while True:
            try:
                if os.fork() == 0: time.sleep(1000)
            except OSError: time.sleep(0.01)
    children = [os.fork() for _ in range(1)]
    if children == [0]: os._exit(0)
"""
    ended = run_submission(source, [0, 1], processes=64, wall_seconds=8.0)
    assert [run.judgement.verdict for run in ended] == [Verdict.TIME_LIMIT, Verdict.OK], ended


def test_scratch_is_limited_in_bytes_and_files_and_empty_again_for_the_next(
    run_submission: RunSubmission,
) -> None:
    """The code sees a full disk; the next run in the same place has all of it."""
    source = """
import errno, json, os
def fill(make):
    try:
        for index in range(1_000_000): make(index)
    except OSError as error: return index, errno.errorcode[error.errno]
def unlearning(net, retain, forget, val):
    with open("big", "wb", buffering=0) as file:
        by_bytes = fill(lambda _i: file.write(b"x" * (1 << 20)) or 1)
        file.truncate(0)
    by_files = fill(lambda index: open(f"f{index}", "w").close())
    print(json.dumps([by_bytes, by_files]))
"""
    ended = run_submission(source, [0, 1], scratch_bytes=32 << 20, scratch_inodes=500)
    assert [run.judgement.verdict for run in ended] == [Verdict.OK] * 2, ended
    for run in ended:
        (mebibytes, first), (files, second) = json.loads(run.log)
        assert first == second == "ENOSPC"
        assert 28 <= mebibytes <= 32
        assert 450 <= files <= 500


def test_prints_are_kept_within_the_budget(run_submission: RunSubmission) -> None:
    """Head and tail stay, what lies between is counted."""
    source = """
def unlearning(net, retain, forget, val):
    print("the head")
    for _ in range(20_000): print("x" * 99)
    print("the tail")
"""
    (ended,) = run_submission(source, log_bytes=16_384)
    assert ended.judgement.verdict is Verdict.OK
    assert ended.log.startswith(b"the head")
    assert ended.log.endswith(b"the tail\n")
    assert len(ended.log) <= 16_384
    assert len(ended.log) + ended.log_bytes_dropped == 2_000_000 + 18


def test_no_container_is_left(engine: Engine, run_submission: RunSubmission, labels: dict[str, str]) -> None:
    """Each test's container is gone when the test is."""
    run_submission("def unlearning(*_): pass")
    assert engine.containers(labels) == []
