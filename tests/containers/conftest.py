"""What tests against real containers share: an engine, the image, a small challenge, a way to run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from runner import challenge as challenges
from runner import challenge_build, image, options
from runner.challenge import Challenge
from runner.challenge_build import Plan, default_limits
from runner.engine import Engine
from runner.image import Image
from runner.options import FIRST_UID
from runner.placement import HERE, Placement
from runner.progress import Reporter, Silent
from runner.session import session
from runner.settings import Bench
from runner.store import Store
from runner.submission import Submission
from runner.worker import EndedRun, PlannedRun, Worker

RunSubmission = Callable[..., list[EndedRun]]
InImage = Callable[..., str]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="session")
def built_image(engine: Engine) -> Image:
    return image.require(engine)


@pytest.fixture(scope="session")
def labels(engine: Engine) -> Iterator[dict[str, str]]:
    with session(engine) as found:
        yield found


@pytest.fixture(scope="session")
def plan() -> Plan:
    return Plan(
        recipe="digits",
        name="small",
        seed=7,
        forget_fraction=0.05,
        references=16,
        item_format="dict",
        limits=default_limits("digits"),
    )


@pytest.fixture(scope="session")
def challenge(
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    plan: Plan,
    tmp_path_factory: pytest.TempPathFactory,
) -> Challenge:
    folder = tmp_path_factory.mktemp("challenges") / "small"
    return challenge_build.build(
        engine=engine, image=built_image, plan=plan, folder=folder, labels=labels, reporter=Silent()
    )


def packed(source: str) -> Submission:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo("submission.py"), source)
    data = archive.getvalue()
    return Submission(name="test", sha256=sha256(data).hexdigest(), archive=data)


@pytest.fixture(scope="session")
def run_submission(
    engine: Engine, built_image: Image, labels: dict[str, str], challenge: Challenge
) -> RunSubmission:
    """Return a function that runs a submission's source in one worker, once for each seed."""

    def run(
        source: str | Submission,
        seeds: Sequence[int] = (0,),
        *,
        items: str = "dict",
        runs_announced: int = 1,
        placement: Placement = HERE,
        **limits: float,
    ) -> list[EndedRun]:
        said = challenge.description
        changed = said.model_copy(
            update={"limits": said.limits.model_copy(update=limits), "item_format": items}
        )
        spec = options.worker(
            image=built_image.tag, limits=changed.limits, labels=labels, placement=placement
        )
        container = engine.start(spec)
        try:
            worker = Worker(
                stream=container,
                challenge=replace(challenge, description=changed),
                submission=packed(source) if isinstance(source, str) else source,
                runs=runs_announced,
                first_uid=FIRST_UID,
                placement=placement,
            )
            planned = [PlannedRun(index=index, seed=seed) for index, seed in enumerate(seeds)]
            return sorted(worker.do(planned), key=lambda ended: ended.index)
        finally:
            container.remove()

    return run


@pytest.fixture(scope="session")
def in_image(engine: Engine, built_image: Image, labels: dict[str, str]) -> InImage:
    """Return a function that runs a Python script in the image, or another, and returns its stdout."""

    def run(script: str, *, tag: str = built_image.tag) -> str:
        spec = options.trainer(image=tag, cpus=2.0, labels=labels)
        spec = replace(spec, command=("/opt/venv/bin/python", "-c", script))
        container = engine.start(spec)
        try:
            text = b""
            while (data := container.receive(800.0)) is not None:
                assert data, "the script printed nothing for too long"
                text += data
            ending = container.ending()
            assert ending is not None
            assert ending.exit_code == 0, container.stderr.decode()
            return text.decode()
        finally:
            container.remove()

    return run


@pytest.fixture(scope="session")
def bench(engine: Engine, built_image: Image, labels: dict[str, str]) -> Callable[..., Bench]:
    """Return a way to have a bench whose store is in a folder of one's own."""

    def make(folder: Path, reporter: Reporter | None = None) -> Bench:
        return Bench(
            engine=engine,
            image=built_image,
            store=Store.in_folder(folder, create=True),
            folder=folder,
            labels=labels,
            reporter=reporter or Silent(),
        )

    return make


def load(folder: Path) -> Challenge:
    return challenges.load(folder)
