"""What tests against real containers share: an engine, the image, a small challenge, a way to run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from runner.builder.build import build_challenge
from runner.builder.plan import BuildPlan, default_limits
from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.api import Engine
from runner.engine.client import connect_engine
from runner.engine.container_spec import FIRST_UID, trainer_container, worker_container
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.engine.session import container_session
from runner.execution.context import EvaluationContext
from runner.image.image import Image, require_image
from runner.progress import NullReporter, Reporter
from runner.store.store import Store
from runner.submission.load import Submission

RunSubmission = Callable[..., list[EndedRun]]
InImage = Callable[..., str]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return connect_engine()


@pytest.fixture(scope="session")
def built_image(engine: Engine) -> Image:
    return require_image(engine)


@pytest.fixture(scope="session")
def labels(engine: Engine) -> Iterator[dict[str, str]]:
    with container_session(engine) as found:
        yield found


@pytest.fixture(scope="session")
def plan() -> BuildPlan:
    return BuildPlan(
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
    plan: BuildPlan,
    tmp_path_factory: pytest.TempPathFactory,
) -> Challenge:
    folder = tmp_path_factory.mktemp("challenges") / "small"
    return build_challenge(
        engine=engine, image=built_image, plan=plan, folder=folder, labels=labels, reporter=NullReporter()
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
        placement: Placement = DEFAULT_PLACEMENT,
        **limits: float,
    ) -> list[EndedRun]:
        limited = challenge.with_limits(**limits)
        changed = limited.description.model_copy(update={"item_format": items})
        spec = worker_container(
            image=built_image.tag, limits=changed.limits, labels=labels, placement=placement
        )
        container = engine.start(spec)
        try:
            worker = WorkerClient(
                stream=container,
                challenge=replace(challenge, description=changed),
                submission=packed(source) if isinstance(source, str) else source,
                runs=runs_announced,
                first_uid=FIRST_UID,
                placement=placement,
            )
            planned = [PlannedRun(index=index, seed=seed) for index, seed in enumerate(seeds)]
            return sorted(worker.execute(planned), key=lambda ended: ended.index)
        finally:
            container.remove()

    return run


@pytest.fixture(scope="session")
def in_image(engine: Engine, built_image: Image, labels: dict[str, str]) -> InImage:
    """Return a function that runs a Python script in the image, or another, and returns its stdout."""

    def run(script: str, *, tag: str = built_image.tag) -> str:
        spec = trainer_container(image=tag, cpus=2.0, labels=labels)
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
def bench(engine: Engine, built_image: Image, labels: dict[str, str]) -> Callable[..., EvaluationContext]:
    """Return a way to have a bench whose store is in a folder of one's own."""

    def make(folder: Path, reporter: Reporter | None = None) -> EvaluationContext:
        return EvaluationContext(
            engine=engine,
            info=engine.info(),
            image=built_image,
            store=Store.in_folder(folder, create=True),
            folder=folder,
            labels=labels,
            reporter=reporter or NullReporter(),
        )

    return make


def load(folder: Path) -> Challenge:
    return load_challenge(folder)
