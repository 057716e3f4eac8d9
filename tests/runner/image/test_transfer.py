"""An image that is pushed and pulled, or saved and loaded, is the same; one that is not what it claims is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runner.engine.api import Engine
from runner.errors import ConfigurationError, HostNotReadyError, RunnerError
from runner.image.image import (
    BASE_LABEL,
    DIGEST_LABEL,
    SELECTED_REPOSITORY,
    Image,
    find_image,
    find_images,
    remove_superseded_images,
    require_image_by_digest,
)
from runner.image.inputs import ImageInputs
from runner.image.reference import Reference
from runner.image.transfer import ReceivedImage, load_image, pull_image, push_image, save_image
from runner.progress import NullReporter
from tests.support.fake_engine import FakeEngine, FakeImage, new_image
from tests.support.paths import ROOT

REFERENCE = Reference(name="127.0.0.1:5000/unlearn")
BASE = "sha256:base"
OTHER_DIGEST = "d" * 64


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ImageInputs:
    """A checkout with a small ``sandbox/``."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("image.txt", "image-extras.txt", "image-arm64.txt"):
        (checkout / "requirements").mkdir(exist_ok=True)
        (checkout / "requirements" / name).write_text(f"# {name}\n")
    shutil.copy(ROOT / "Dockerfile", checkout)
    (checkout / "sandbox" / "worker").mkdir(parents=True)
    (checkout / "sandbox" / "__init__.py").write_text("")
    (checkout / "sandbox" / "worker" / "main.py").write_text("print('worker')\n")
    return ImageInputs(checkout)


def organizers_image(inputs: ImageInputs, **changes: object) -> FakeImage:
    """Return an image of this version on a base that only the organizer has."""
    image = new_image({DIGEST_LABEL: inputs.image_digest(BASE), BASE_LABEL: BASE}, inputs.sandbox_files())
    return replace(image, **changes)  # type: ignore[arg-type]


def engine_with(image: FakeImage, tag: str = "") -> FakeEngine:
    engine = FakeEngine()
    engine.images.by_tag[tag or f"unlearn-sandbox:{image.labels[DIGEST_LABEL][:16]}"] = image
    return engine


def as_image(image: FakeImage) -> Image:
    return Image(digest=image.labels[DIGEST_LABEL], identity=image.identity)


Move = Callable[[FakeImage, FakeEngine], ReceivedImage]


@pytest.fixture(params=["registry", "file"])
def move(request: pytest.FixtureRequest, tmp_path: Path, inputs: ImageInputs) -> Move:
    """Return a function that brings an image to an engine."""

    def through_registry(image: FakeImage, target: FakeEngine) -> ReceivedImage:
        source = engine_with(image)
        pushed = push_image(source, as_image(image), REFERENCE, NullReporter())
        target.images.registry = source.images.registry
        return pull_image(target, pushed, NullReporter(), labels={}, inputs=inputs)

    def through_file(image: FakeImage, target: FakeEngine) -> ReceivedImage:
        file = tmp_path / "image.tar"
        save_image(engine_with(image), as_image(image), file, NullReporter())
        return load_image(target, file, NullReporter(), labels={}, inputs=inputs)

    return through_registry if request.param == "registry" else through_file


def test_the_image_is_the_same_and_is_used(move: Move, inputs: ImageInputs) -> None:
    """On a machine that has no base, and so could not have built it."""
    image, target = organizers_image(inputs), FakeEngine()
    received = move(image, target)
    assert received == ReceivedImage(image=as_image(image), is_present=True, replaced=None)
    assert find_image(target, inputs) == as_image(image)
    assert require_image_by_digest(target, as_image(image).digest[:12]) == as_image(image)


def test_it_goes_before_one_that_was_built_here(move: Move, inputs: ImageInputs) -> None:
    """Whoever fetches the organizer's image wants to use it."""
    target = FakeEngine()
    target.images.by_tag["unlearn-base:python3.11-bookworm"] = own_base = new_image()
    digest = inputs.image_digest(own_base.identity)
    own = new_image({DIGEST_LABEL: digest, BASE_LABEL: own_base.identity}, inputs.sandbox_files())
    target.images.by_tag[f"unlearn-sandbox:{digest[:16]}"] = own
    assert find_image(target, inputs) == as_image(own)
    image = organizers_image(inputs)
    move(image, target)
    assert find_image(target, inputs) == as_image(image)
    assert remove_superseded_images(target, inputs) == 0
    target.images.remove(as_image(image).tag)
    assert find_image(target, inputs) == as_image(own)


def test_another_versions_image_is_there_for_its_evaluations_only(move: Move, inputs: ImageInputs) -> None:
    """`run --image` finds it, and nothing else uses it."""
    image, target = (
        organizers_image(inputs, labels={DIGEST_LABEL: OTHER_DIGEST, BASE_LABEL: BASE}),
        FakeEngine(),
    )
    received = move(image, target)
    assert not received.is_present
    assert find_image(target, inputs) is None
    assert find_images(target, OTHER_DIGEST[:16]) == [as_image(image)]
    assert remove_superseded_images(target, inputs) == 1
    assert target.images.by_tag == target.images.by_digest == {}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sandbox/worker/main.py": b"print('evil')\n"}, "its sandbox/worker/main.py is another"),
        ({"sandbox/worker/main.py": None}, "it lacks sandbox/worker/main.py"),
        ({"sandbox/json.py": b""}, "it has 'sandbox/json.py', which this version has not"),
        ({"torch.py": b""}, "it has 'torch.py', which this version has not"),
    ],
)
def test_an_image_that_claims_this_versions_inputs_must_have_its_sandbox(
    move: Move, inputs: ImageInputs, change: dict[str, bytes | None], sentence: str
) -> None:
    """Changed, removed and added files; nothing of it is left, and the image that had its name keeps it."""
    files = {name: data for name, data in {**inputs.sandbox_files(), **change}.items() if data is not None}
    image, target = organizers_image(inputs, files=files), engine_with(organizers_image(inputs))
    before = dict(target.images.by_tag)
    with pytest.raises(HostNotReadyError, match="claims to be the image of this version") as refusal:
        move(image, target)
    assert sentence in str(refusal.value)
    assert target.images.by_tag == before
    assert target.images.by_digest == {}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "arm64"}, "is for linux/arm64 and the engine runs linux/amd64"),
        ({"architecture": "riscv64"}, "is for linux/riscv64 and the engine runs linux/amd64"),
        ({"files": {}}, "could not be read"),
    ],
)
def test_an_image_that_cannot_be_used_leaves_nothing(
    move: Move, inputs: ImageInputs, changes: dict[str, object], sentence: str
) -> None:
    """Another platform's, one without ``sandbox/``."""
    target = FakeEngine()
    with pytest.raises(HostNotReadyError, match=sentence):
        move(organizers_image(inputs, **changes), target)
    assert target.images.by_tag == target.images.by_digest == {}


def test_any_other_image_is_refused(inputs: ImageInputs) -> None:
    """One without a digest of inputs, or with something else in its place."""
    for labels in ({}, {DIGEST_LABEL: "x"}, {DIGEST_LABEL: "../../" + "0" * 60}):
        target = FakeEngine()
        target.images.registry["host/debian:12"] = new_image(labels)
        with pytest.raises(HostNotReadyError, match="is no image of unlearn"):
            pull_image(target, Reference.parse("host/debian:12"), NullReporter(), labels={}, inputs=inputs)
        assert target.images.by_tag == {}


def test_a_second_build_from_the_same_inputs_takes_the_name(move: Move, inputs: ImageInputs) -> None:
    """It was checked; the reply names the image that lost its name."""
    earlier, image = organizers_image(inputs), organizers_image(inputs)
    image = replace(image, identity="sha256:" + "5" * 64)
    target = engine_with(earlier)
    assert move(image, target).replaced == earlier.identity
    assert find_image(target, inputs) == as_image(image)


def test_another_versions_image_takes_no_name(move: Move, inputs: ImageInputs) -> None:
    """Which of the two is what it claims cannot be told; the evaluations here were made in the first."""
    labels = {DIGEST_LABEL: OTHER_DIGEST, BASE_LABEL: BASE}
    earlier, image = new_image(labels, {"sandbox/a.py": b"1"}), new_image(labels, {"sandbox/a.py": b"2"})
    target = engine_with(earlier)
    with pytest.raises(HostNotReadyError, match=f"docker image rm {as_image(earlier).tag}"):
        move(image, target)
    assert target.images.identity(as_image(earlier).tag) == earlier.identity


def test_a_file_whose_name_and_image_differ_is_refused(tmp_path: Path, inputs: ImageInputs) -> None:
    """The name is that of the inputs."""
    image, tag, target = organizers_image(inputs), f"unlearn-sandbox:{'0' * 16}", FakeEngine()
    file = tmp_path / "image.tar"
    file.write_bytes(b"".join(engine_with(image, tag).images.save(tag)))
    with pytest.raises(HostNotReadyError, match="do not use it"):
        load_image(target, file, NullReporter(), labels={}, inputs=inputs)
    assert target.images.by_tag == {}


def test_a_push_needs_a_name_and_gets_a_tag(inputs: ImageInputs) -> None:
    """The digest is the registry's to give; without a tag, the inputs name it."""
    image = organizers_image(inputs)
    source = engine_with(image)
    pushed = push_image(source, as_image(image), REFERENCE, NullReporter())
    assert f"{REFERENCE.name}:{as_image(image).digest[:16]}" in source.images.registry
    with pytest.raises(ConfigurationError, match="not to a digest"):
        push_image(source, as_image(image), pushed, NullReporter())


def test_a_file_is_written_whole_and_once(tmp_path: Path, inputs: ImageInputs) -> None:
    """An existing one is not replaced; a folder that does not exist, or a failing engine, leaves nothing."""
    image = organizers_image(inputs)
    engine = engine_with(image)
    file = tmp_path / "image.tar"
    file.write_text("precious")
    with pytest.raises(ConfigurationError, match="exists already"):
        save_image(engine, as_image(image), file, NullReporter())
    assert file.read_text() == "precious"
    with pytest.raises(HostNotReadyError, match="No such file or directory"):
        save_image(engine, as_image(image), tmp_path / "none" / "image.tar", NullReporter())

    class Lost(FakeEngine):
        pass

    lost = Lost()
    lost.images = engine.images
    lost.images.save = broken_save  # type: ignore[method-assign, assignment]
    with pytest.raises(HostNotReadyError, match="broke off"):
        save_image(lost, as_image(image), tmp_path / "other.tar", NullReporter())
    assert [path.name for path in tmp_path.iterdir()] == ["image.tar"]


def broken_save(_tag: str) -> object:
    yield b"x" * 100
    raise HostNotReadyError("The engine broke off.")


@pytest.mark.parametrize("name", ["none.tar", "."])
def test_what_is_no_file_cannot_be_loaded(tmp_path: Path, inputs: ImageInputs, name: str) -> None:
    """In a sentence."""
    with pytest.raises(RunnerError, match="is no file"):
        load_image(FakeEngine(), tmp_path / name, NullReporter(), labels={}, inputs=inputs)


def test_the_selection_of_another_version_is_ignored(inputs: ImageInputs, tmp_path: Path) -> None:
    """After an update the earlier image is not taken for the present one."""
    image, target = organizers_image(inputs), FakeEngine()
    target.images.registry["host/u:1"] = image
    pull_image(target, Reference.parse("host/u:1"), NullReporter(), labels={}, inputs=inputs)
    shutil.copytree(inputs.checkout, tmp_path / "later")
    (tmp_path / "later" / "sandbox" / "new.py").write_text("")
    later = ImageInputs(tmp_path / "later")
    assert find_image(target, later) is None
    engine: Engine = target
    assert find_image(engine, inputs) == as_image(image)
    assert [tag for tag in target.images.by_tag if tag.startswith(SELECTED_REPOSITORY)]
