"""What tests against real containers share: an engine, the image, a small challenge, a way to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from runner.builder.build import build_challenge
from runner.builder.plan import BuildPlan, default_limits
from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.container_spec import FIRST_UID, worker_container
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.engine.session import container_session
from runner.execution.context import EvaluationContext
from runner.image.image import Image, require_image
from runner.progress import NullReporter, Reporter
from runner.store.open_store import open_store
from runner.submission.load import Submission
from tests.containers.slower import is_slower
from tests.support.command import QUICK_BUILD, unlearn
from tests.support.image_scripts import ImageScripts, run_alone
from tests.support.shared_folders import SharedFolders
from tests.support.submissions import pack_submission

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
    with container_session(engine) as labels:
        yield labels


@pytest.fixture(scope="session")
def plan() -> BuildPlan:
    """Return a small challenge's plan: one run at a time, so that an evaluation starts one worker."""
    return BuildPlan(
        recipe="digits",
        name="small",
        seed=7,
        forget_fraction=0.05,
        references=16,
        item_format="dict",
        limits=default_limits("digits").with_changes(concurrency=1, cpus=1.0),
    )


@pytest.fixture(scope="session")
def shared_folders(tmp_path_factory: pytest.TempPathFactory) -> SharedFolders:
    """Return the cache of folders that all test files and both workers share."""
    return SharedFolders.of_session(tmp_path_factory)


@pytest.fixture(scope="session")
def build_shared(
    engine: Engine, built_image: Image, labels: dict[str, str], shared_folders: SharedFolders
) -> Callable[[BuildPlan], Challenge]:
    """Return a function that builds a plan's challenge unless a test of this session has built it."""

    def build(plan: BuildPlan) -> Challenge:
        def make(folder: Path) -> None:
            build_challenge(
                engine=engine,
                image=built_image,
                plan=plan,
                folder=folder,
                labels=labels,
                reporter=NullReporter(),
            )

        return load_challenge(shared_folders.get((plan, built_image.digest), plan.name, make))

    return build


@pytest.fixture(scope="session")
def challenge(build_shared: Callable[[BuildPlan], Challenge], plan: BuildPlan) -> Challenge:
    """Return the challenge that most tests run on; tests that change its files change a copy."""
    return build_shared(plan)


@pytest.fixture(scope="session")
def challenge_with_network(built_image: Image, shared_folders: SharedFolders) -> Callable[[str], Path]:
    """Return a function that builds a tiny challenge of digits with an organizer's own network."""

    def build(source: str) -> Path:
        def make(folder: Path) -> None:
            file = folder.with_name("net.py")
            file.write_text(source)
            options = (*QUICK_BUILD, "--limit-examples", 100, "--seed", 7, "--architecture-file", file)
            unlearn("challenge", "build", "digits", folder, *options)

        return shared_folders.get((source, built_image.digest), "built", make)

    return build


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
                submission=pack_submission(source) if isinstance(source, str) else source,
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
def in_image(engine: Engine, built_image: Image, labels: dict[str, str]) -> Iterator[InImage]:
    """Give a function that runs a Python script in the image and returns its stdout.

    All scripts share a container, and none shares a process. A script for another image has one of its own.
    """
    with container_session(engine) as own_labels:  # tests require that no container has the others' labels
        scripts = ImageScripts(engine, built_image.tag, own_labels)

        def run(script: str, *, tag: str = built_image.tag) -> str:
            return scripts.run(script) if tag == built_image.tag else run_alone(engine, tag, labels, script)

        try:
            yield run
        finally:
            scripts.close()


@pytest.fixture(scope="session")
def evaluation_context(
    engine: Engine, built_image: Image, labels: dict[str, str]
) -> Callable[..., EvaluationContext]:
    """Return a function that makes a context whose store is in a folder of the test's own."""

    def make(folder: Path, reporter: Reporter | None = None) -> EvaluationContext:
        return EvaluationContext(
            engine=engine,
            info=engine.info(),
            image=built_image,
            store=open_store(folder, create=True),
            folder=folder,
            labels=labels,
            reporter=reporter or NullReporter(),
        )

    return make


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test` leaves to `make test-all`."""
    for item in items:
        if is_slower(item.nodeid):
            item.add_marker(pytest.mark.slow)
