"""`benchmarks/gpu.py` works without a GPU and without a container engine: in the image, on the CPU."""

from __future__ import annotations

import io
import json
import struct
import tarfile
from dataclasses import replace
from typing import Any, Final

import pytest

from runner.challenge.limits import Limits
from runner.doctor.findings import Status
from runner.doctor.gpu_rules import rules_container, rules_finding, try_rules
from runner.engine.api import Engine
from runner.engine.container_spec import worker_container
from runner.engine.placement import DEFAULT_PLACEMENT
from runner.image.image import Image
from tests.support.paths import ROOT

pytestmark = pytest.mark.container

_UNPACK: Final = '''
import os, struct, subprocess, sys, tarfile, io
length, = struct.unpack(">Q", sys.stdin.buffer.read(8))
folder = "/dev/shm/benchmark"
os.mkdir(folder)
tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read(length))).extractall(folder)
os.symlink("/opt/unlearn/sandbox", folder + "/sandbox")
program = ["benchmarks/gpu.py"]
if "--bare" in sys.argv:
    sys.argv.remove("--bare")
    program = ["-c", """if True:
        import runpy, sys
        sys.path.insert(0, ".")
        from benchmarks.gpu_parts import sealed_loop
        sealed_loop.isolation = lambda: None
        runpy.run_path("benchmarks/gpu.py", run_name="__main__")
        """]
done = subprocess.run([sys.executable, *program, *sys.argv[1:]], cwd=folder, stdin=subprocess.DEVNULL)
file = folder + "/gpu.json"
print(done.returncode, open(file).read() if os.path.exists(file) else "", flush=True)
'''
"""With ``--bare``, as on a machine where `unshare` is refused."""


def measure(engine: Engine, image: Image, labels: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, file and messages of the program, run in a container of its own as root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("benchmarks/gpu.py", "benchmarks/gpu_parts", "sample_submissions/finetune", "scoring"):
            archive.add(ROOT / name, name, filter=lambda item: None if "__pycache__" in item.name else item)
    limits = Limits(memory_bytes=4 << 30, cpus=2.0, scratch_bytes=1 << 30)
    spec = worker_container(image=image.tag, limits=limits, labels=labels)
    container = engine.start(replace(spec, command=("/opt/venv/bin/python", "-c", _UNPACK, *arguments)))
    try:
        container.send(struct.pack(">Q", buffer.tell()) + buffer.getvalue())
        text = b""
        while (data := container.receive(120.0)) is not None:
            assert data, "the program was silent for two minutes"
            text += data
        assert text, container.stderr
        code, _space, content = text.decode().partition(" ")
        return int(code), content, container.stderr.decode(errors="replace")
    finally:
        container.remove()


OPTIONS: Final = ("--device", "cpu", "--small", "--seconds", "500")


def successful(engine: Engine, image: Image, labels: dict[str, str], *options: str) -> dict[str, Any]:
    code, content, messages = measure(engine, image, labels, *OPTIONS, *options)
    assert code == 0, messages
    result: dict[str, Any] = json.loads(content)
    assert result["failed"] == {}
    return result


@pytest.fixture(scope="module")
def quick(engine: Engine, built_image: Image, labels: dict[str, str]) -> dict[str, Any]:
    """The parts that take no more than a second."""
    return successful(engine, built_image, labels, *(f"--part={part}" for part in "abcg"))


@pytest.fixture(scope="module")
def whole(engine: Engine, built_image: Image, labels: dict[str, str]) -> dict[str, Any]:
    """All parts."""
    return successful(engine, built_image, labels)


@pytest.mark.slow
def test_every_part_works(whole: dict[str, Any]) -> None:
    """Nothing failed, nothing was skipped, and each has a time."""
    assert whole["skipped"] == {}
    assert whole["parts"].keys() == whole["seconds"].keys() == set("abcdefgh")


def test_parts_that_are_not_asked_for_are_named(quick: dict[str, Any]) -> None:
    """With a word on why they are not there."""
    assert quick["parts"].keys() == set("abcg")
    assert quick["skipped"] == dict.fromkeys("defh", "not asked for")
    assert quick["parts"]["a"]["uid"] == 0


def test_the_rules_of_a_run_are_tried_alone_and_together(quick: dict[str, Any]) -> None:
    """On the CPU none of them breaks anything, and a thread can be named under all of them."""
    rules = quick["parts"]["b"]
    assert {"uid", "not dumpable", "limits", "filter: all", "filter: memfd_create"} <= rules["alone"].keys()
    answers = [*rules["alone"].values(), *rules["together"].values(), rules["without rules"]]
    assert [answer for answer in answers if "error" in answer] == []
    assert rules["names_thread"]["written"] is True
    assert rules["not_tried"] == []
    assert rules["without a device"].keys() == rules["alone"].keys()


def test_contexts_are_timed(quick: dict[str, Any]) -> None:
    """In children that are forked, changed and ended as runs are."""
    contexts = quick["parts"]["c"]
    assert (contexts["times"], contexts["errors"], contexts["not_freed"]) == (3, [], 0)
    assert contexts["context_seconds"]["min"] > 0


@pytest.mark.slow
def test_sealed_runs_are_compared_with_the_plain_loop(whole: dict[str, Any]) -> None:
    """Through the real worker."""
    compared = whole["parts"]["d"]
    assert (compared["plain_runs"], compared["sealed_runs"], compared["errors"]) == (2, 2, [])
    assert compared["has_namespaces"] is True
    assert 0.2 < compared["ratio"] < 20


@pytest.mark.slow
def test_sealed_runs_where_no_namespaces_can_be_made(
    engine: Engine, built_image: Image, labels: dict[str, str]
) -> None:
    """The worker shares the machine then, and the file says so."""
    compared = successful(engine, built_image, labels, "--part=d", "--bare")["parts"]["d"]
    assert (compared["sealed_runs"], compared["errors"]) == (2, [])
    assert compared["has_namespaces"] is False


@pytest.mark.slow
def test_references_and_evaluator_have_a_rate(whole: dict[str, Any]) -> None:
    """In each way of training."""
    ways = whole["parts"]["e"]["ways"]
    assert len(ways) == 4
    assert all(way["networks_per_hour"] > 0 for way in ways.values()), ways
    assert whole["parts"]["f"]["one_at_a_time"]["checkpoints"] == 2


def test_nothing_of_an_earlier_process_is_found(quick: dict[str, Any]) -> None:
    """On the CPU the kernel clears pages."""
    leftovers = quick["parts"]["g"]
    assert (leftovers["filled"]["blocks"], leftovers["searched"]["hits"]) == (4, 0)
    assert leftovers["filled"]["found_in_own"] == leftovers["block_bytes"] // 4, "the search finds nothing"


def test_without_a_gpu_it_says_so(engine: Engine, built_image: Image, labels: dict[str, str]) -> None:
    """In one sentence, and writes nothing."""
    code, content, messages = measure(engine, built_image, labels)
    assert (code, content.strip()) == (3, "")
    assert "finds no GPU here" in messages


@pytest.mark.slow
def test_populations_of_each_way_are_compared_with_the_plain_loops(whole: dict[str, Any]) -> None:
    """The plain loop with other seeds among them: what no difference looks like."""
    populations = whole["parts"]["h"]
    assert populations["ways"].keys() == {
        "plain loop, other seeds",
        "one at a time, recorded",
        "3 stacked, recorded",
        "2 side by side, recorded",
    }
    for way in populations["ways"].values():
        assert 0 < way["joint_p_value"] <= 1
        assert way["held_out_epsilon_mean"] >= 0


@pytest.mark.slow
def test_doctor_tries_the_rules_in_a_workers_container(
    engine: Engine, built_image: Image, labels: dict[str, str]
) -> None:
    """On the CPU, where none of them breaks anything."""
    report = try_rules(
        engine, rules_container(image=built_image.tag, labels=labels, placement=DEFAULT_PLACEMENT)
    )
    assert rules_finding(lambda: report).status is Status.OK
    assert {"limits", "uid", "no_new_privs", "filter: all"} <= report.together.keys()
