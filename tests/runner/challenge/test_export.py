"""An export contains exactly the public part of a challenge, and is written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w
from safetensors.numpy import load as load_safetensors

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, Source, Visibility, render_description
from runner.challenge.export import BY_HEART, DECISIONS, export_challenge, exported_description, field_names
from runner.challenge.layout import CHALLENGE_FILES, DESCRIPTION_FILE, PUBLIC_FILES, REFERENCES_FILE
from runner.challenge.load import load_challenge
from runner.challenge.seeds import GUESSABLE_SEEDS, has_guessable_seed
from runner.errors import ConfigurationError, HostNotReadyError
from runner.results.scoring import SCORE_WITHHELD, load_populations
from tests.support.command import type_command
from tests.support.paths import ROOT
from tests.support.records import summary_of

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder

SEED = 123_456_789_012


def describe(challenge_folder: ChallengeFolder, visibility: Visibility, **changed: Any) -> Challenge:
    """Return the tiny challenge as an organizer has it: a seed of its own, from data of their own."""
    file = challenge_folder.describe(visibility=visibility) / DESCRIPTION_FILE
    fields = tomllib.loads(file.read_text())
    source = {"data_sha256": "d" * 64, "most_examples": 4321, "epochs": 8765}
    file.write_text(tomli_w.dumps({**fields, "seed": SEED, "source": source, **changed}))
    return load_challenge(challenge_folder.folder)


@pytest.fixture
def private(challenge_folder: ChallengeFolder) -> Challenge:
    return describe(challenge_folder, "private")


@pytest.fixture
def public(challenge_folder: ChallengeFolder) -> Challenge:
    return describe(challenge_folder, "public")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_every_field_has_a_decision() -> None:
    """A new field of the description needs an entry in `runner.challenge.export.DECISIONS`."""
    assert sorted(field_names(Description)) == sorted(DECISIONS)


def test_undecided_fields_are_held_back(private: Challenge) -> None:
    """The description of an export has the included and the recomputed fields, and no other."""
    fields = tomllib.loads(
        render_description(exported_description(private.description, private.sha256)).decode()
    )
    names = {
        f"{name}.{inner}" if isinstance(value, dict) and name not in ("class_counts", "files") else name
        for name, value in fields.items()
        for inner in (value if isinstance(value, dict) else [""])
    }
    included = {name for name, decision in DECISIONS.items() if decision != "held back"}
    assert names <= included
    absent = {"limits.wall_fraction", "limits.total_seconds", "limits.retraining_fraction"} | {
        "source.shared_persons",
        "class_names",
    }
    absent |= {"limits.submission_bytes", "image_config", "image_reference"}
    assert included - names <= absent  # they have no value here


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_the_image_is_named_with_all_digests(
    challenge_folder: ChallengeFolder, tmp_path: Path, visibility: Visibility
) -> None:
    """That of its inputs and its configuration, as the challenge has them; where it can be had, as it is asked for."""
    config = {"linux/amd64": f"sha256:{'1' * 64}"}
    stale, reference = (f"registry.example/{name}@sha256:{'2' * 64}" for name in ("stale", "unlearn"))
    challenge = describe(challenge_folder, visibility, image_config=config, image_reference=stale)
    exported = export_challenge(challenge, tmp_path / "out", image_reference=reference).description
    assert (exported.image, exported.image_config) == (challenge.description.image, config)
    assert exported.image_reference == reference
    assert export_challenge(challenge, tmp_path / "none").description.image_reference is None


@pytest.mark.parametrize(
    "fields",
    [
        {"image_reference": "registry.example/unlearn:1.0"},
        {"image_reference": f"--help@sha256:{'2' * 64}"},
        {"image_reference": f"a; rm -rf /@sha256:{'2' * 64}"},
        {"image_config": {"linux/amd64": "1234"}},
        {"image_config": {"windows": f"sha256:{'1' * 64}"}},
    ],
)
def test_an_image_that_a_challenge_cannot_name(
    challenge_folder: ChallengeFolder, fields: dict[str, Any]
) -> None:
    """A tag can be moved, and what is printed as a command must be harmless."""
    with pytest.raises(ConfigurationError, match="image_"):
        describe(challenge_folder, "public", **fields)


def test_private_files(private: Challenge, tmp_path: Path) -> None:
    """A private export has the files that a worker receives and a description; no other file."""
    (private.folder / "private/checkpoints").mkdir()
    (private.folder / "private/checkpoints/0.safetensors").write_bytes(b"a reference")
    (private.folder / "public/notes.txt").write_text("for ourselves")
    exported = export_challenge(private, tmp_path / "out")
    assert files(tmp_path / "out") == sorted([DESCRIPTION_FILE, *PUBLIC_FILES])
    for name in PUBLIC_FILES:
        assert (exported.folder / name).read_bytes() == (private.folder / name).read_bytes()


def test_private_secrets(private: Challenge, tmp_path: Path) -> None:
    """No seed, no hash or size of test split, references or source data, and no byte of an image of test."""
    exported = export_challenge(private, tmp_path / "out")
    everything = b"".join((exported.folder / name).read_bytes() for name in files(exported.folder))
    description = private.description
    secrets = [
        str(SEED),
        *(description.files[name] for name in CHALLENGE_FILES if name not in PUBLIC_FILES),
        *(str(description.source.data_sha256), "4321", "8765", "test"),
    ]
    assert [secret for secret in secrets if secret.encode() in everything] == []
    for image in load_safetensors(private.data("test"))["image"]:
        assert image.tobytes() not in everything


def test_private_export_is_a_challenge(private: Challenge, tmp_path: Path) -> None:
    """An export has a hash of its own, records its origin, and has other run seeds than the organizer's."""
    exported = export_challenge(private, tmp_path / "out")
    found = load_challenge(tmp_path / "out")
    assert found.sha256 == exported.sha256 != private.sha256
    description = found.description
    assert (description.exported_from, description.visibility, description.seed) == (
        private.sha256,
        "private",
        None,
    )
    assert description.limits == private.description.limits
    assert description.references == private.description.references
    assert found.references is None
    assert set(description.class_counts) == {"retain", "forget", "val"}
    seeds = {found.run_seed(index) for index in range(100)}
    assert len(seeds) == 100
    assert not seeds & {private.run_seed(index) for index in range(100)}


def test_run_seeds_of_an_export_are_those_of_its_copies(private: Challenge, tmp_path: Path) -> None:
    """All participants have the same run seeds, and can resume an evaluation."""
    one, two = export_challenge(private, tmp_path / "one"), export_challenge(private, tmp_path / "two")
    assert one.sha256 == two.sha256
    assert one.run_seed(3) == two.run_seed(3)


def test_no_score_without_references(private: Challenge, tmp_path: Path) -> None:
    """The scorer refuses with the sentence that participants read, and a summary with it is in order."""
    exported = export_challenge(private, tmp_path / "out")
    with pytest.raises(ConfigurationError, match=SCORE_WITHHELD):
        load_populations(exported, [], lambda _index: Path())
    assert summary_of(score_withheld=True).is_successful
    assert not summary_of().is_successful


def test_public_export_is_everything(public: Challenge, tmp_path: Path) -> None:
    """References, test split and seed too, so that the same runs get the same score."""
    exported = export_challenge(public, tmp_path / "out")
    assert files(tmp_path / "out") == sorted([DESCRIPTION_FILE, *CHALLENGE_FILES])
    assert exported.sha256 != public.sha256
    assert exported.description == public.description.model_copy(update={"exported_from": public.sha256})
    assert exported.references is not None
    assert [exported.run_seed(index) for index in range(9)] == [public.run_seed(index) for index in range(9)]


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_files_of_a_later_version(
    challenge_folder: ChallengeFolder, tmp_path: Path, visibility: Visibility
) -> None:
    """A file of a later version is treated like the folder that contains it."""
    hashes = load_challenge(challenge_folder.describe(visibility=visibility)).description.files
    more = {"public/notes.txt": b"for workers", "private/notes.txt": b"for ourselves"}
    for name, data in more.items():
        challenge_folder.write(name, data)
    hashes = {**hashes, **{name: hashlib.sha256(data).hexdigest() for name, data in more.items()}}
    export_challenge(describe(challenge_folder, visibility, files=hashes), tmp_path / "out")
    assert (tmp_path / "out/public/notes.txt").read_bytes() == b"for workers"
    assert (tmp_path / "out/private/notes.txt").exists() == (visibility == "public")


@pytest.mark.parametrize(
    "name", ["public/../secret.txt", "/etc/passwd", "../x.txt", "public/a/b.txt", "public/.a", "notes.txt"]
)
def test_a_described_file_is_inside_the_challenge(challenge_folder: ChallengeFolder, name: str) -> None:
    """A description cannot name another file of this machine to be read or overwritten."""
    hashes = load_challenge(challenge_folder.describe()).description.files
    with pytest.raises(ConfigurationError, match="files"):
        describe(challenge_folder, "public", files={**hashes, name: "0" * 64})


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_an_export_cannot_be_exported(
    challenge_folder: ChallengeFolder, tmp_path: Path, visibility: Visibility
) -> None:
    """An export of an export would record the wrong origin."""
    exported = export_challenge(describe(challenge_folder, visibility), tmp_path / "out")
    with pytest.raises(ConfigurationError, match="is itself an export"):
        export_challenge(exported, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_older_challenges_are_private(challenge_folder: ChallengeFolder) -> None:
    """A description without a visibility is private; an unknown word is an error."""
    file = challenge_folder.describe() / DESCRIPTION_FILE
    text = file.read_text()
    file.write_text(text.replace('visibility = "private"\n', ""))
    assert load_challenge(challenge_folder.folder).description.visibility == "private"
    file.write_text(text.replace('visibility = "private"', 'visibility = "internal"'))
    with pytest.raises(ConfigurationError, match="visibility: "):
        load_challenge(challenge_folder.folder)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"seed": None}, "seed is missing"),
        ({"exported_from": "e" * 64}, "an export of a private challenge has no seed"),
        ({"exported_from": "e" * 64, "seed": None}, "class_counts must give a number for every class"),
        ({"exported_from": "yes"}, "exported_from: "),
    ],
)
def test_partial_exports_are_refused(
    challenge_folder: ChallengeFolder, changed: dict[str, Any], sentence: str
) -> None:
    """A challenge is complete, or is an export without everything that is held back."""
    file = challenge_folder.describe() / DESCRIPTION_FILE
    fields = {**tomllib.loads(file.read_text()), **changed}
    file.write_text(tomli_w.dumps({name: value for name, value in fields.items() if value is not None}))
    with pytest.raises(ConfigurationError, match=sentence):
        load_challenge(challenge_folder.folder)


def test_into_an_empty_folder(private: Challenge, tmp_path: Path) -> None:
    """An existing empty folder is used, and missing parents are created."""
    (tmp_path / "empty").mkdir()
    assert (
        export_challenge(private, tmp_path / "empty").sha256
        == export_challenge(private, tmp_path / "a/b/c").sha256
    )


@pytest.mark.parametrize("kind", ["file", "folder", "hidden", "link", "itself"])
def test_existing_content_is_preserved(private: Challenge, tmp_path: Path, kind: str) -> None:
    """A file, a folder with content, a link and the challenge itself are refused and unchanged."""
    place = tmp_path / "out"
    if kind == "file":
        place.write_text("mine")
    elif kind == "link":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    elif kind == "itself":
        place = private.folder
    else:
        place.mkdir()
        (place / (".mine" if kind == "hidden" else "mine")).write_text("mine")
    before = files(tmp_path)
    with pytest.raises(ConfigurationError, match="already exists and is not an empty folder"):
        export_challenge(private, place)
    assert files(tmp_path) == before


def test_damage_leaves_no_partial_export(private: Challenge, tmp_path: Path) -> None:
    """A file that changes after loading ends the export, and no part of it remains."""
    (private.folder / PUBLIC_FILES[-1]).write_bytes(b"something else")
    (tmp_path / "outs").mkdir()
    with pytest.raises(ConfigurationError, match="is not the file that"):
        export_challenge(private, tmp_path / "outs/out")
    assert list((tmp_path / "outs").iterdir()) == []


def test_a_path_that_cannot_be_written(private: Challenge, tmp_path: Path) -> None:
    """A folder below a file cannot be created: the host is not ready."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HostNotReadyError, match="cannot be written"):
        export_challenge(private, tmp_path / "file/out")


def test_guessable_seeds_are_reported(private: Challenge, public: Challenge) -> None:
    """Only private challenges are concerned: a public one has no secret seed."""
    small = {"seed": GUESSABLE_SEEDS - 1, "source": Source()}
    assert not has_guessable_seed(private.description.model_copy(update={"visibility": "private"}))
    assert has_guessable_seed(private.description.model_copy(update={"visibility": "private", **small}))
    assert not has_guessable_seed(public.description.model_copy(update=small))


def test_command(challenge_folder: ChallengeFolder, tmp_path: Path) -> None:
    """`challenge export` prints the hash and what is lost by it; `challenge show` lists what is withheld."""
    private = describe(challenge_folder, "private")
    done = type_command("challenge", "export", private.folder, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"note: {BY_HEART}\n"
    assert "Not in it: the test split, the references, the seed, and of challenge.toml" in done.stdout
    digest = load_challenge(tmp_path / "out").sha256
    assert done.stdout.splitlines()[-1] == f"{tmp_path / 'out'}: {digest}"
    shown = type_command("challenge", "show", tmp_path / "out", COLUMNS="200")
    assert shown.returncode == 0, shown.stderr
    words = " ".join(shown.stdout.split())
    assert "test split, references and seed stay with the organizer" in words
    assert f"exported from {private.sha256}" in words
    assert "references 3, withheld" in words
    assert str(SEED) not in words
    narrow = type_command("challenge", "show", tmp_path / "out", COLUMNS="60").stdout
    assert digest in "".join(narrow.split()), "a hash is folded and never cut"
    as_json = json.loads(type_command("challenge", "show", tmp_path / "out", "--json").stdout)
    assert (as_json["seed"], as_json["sha256"], as_json["notes"]) == (None, digest, [])
    assert [text.split(":")[0] for text in as_json["warnings"]] == [
        "3 references are few",
        "the forget set has 3 examples",
    ]
    again = type_command("challenge", "export", private.folder, "--out", tmp_path / "out")
    assert again.returncode == 2
    assert (
        again.stderr
        == f"unlearn: {tmp_path / 'out'} already exists and is not an empty folder; choose another.\n"
    )
    nothing = type_command("challenge", "export", tmp_path / "nothing", "--out", tmp_path / "other")
    assert nothing.returncode == 2
    assert "No challenge exists at" in nothing.stderr
    assert not (tmp_path / "other").exists()


def test_an_export_says_that_its_scores_can_be_had_by_heart(
    challenge_folder: ChallengeFolder, tmp_path: Path
) -> None:
    """That of a public challenge as that of a private one; the organizers' guide begins with it."""
    public = describe(challenge_folder, "public")
    done = type_command("challenge", "export", public.folder, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, f"note: {BY_HEART}\n")
    assert "on a challenge that is never exported" in BY_HEART
    first_part = (ROOT / "docs" / "organizers.md").read_text().partition("\n## Your own data")[0]
    assert "scored on a challenge that you never export" in first_part


def test_the_earlier_name_of_the_option(challenge_folder: ChallengeFolder, tmp_path: Path) -> None:
    """`--public DIR` still names the folder, and a note tells that it publishes nothing; both are refused."""
    folder = challenge_folder.describe()
    done = type_command("challenge", "export", folder, "--public", tmp_path / "out")
    assert done.returncode == 0
    assert "note: --public DIR is now --out DIR" in done.stderr
    assert REFERENCES_FILE not in files(tmp_path / "out")
    for options in ((), ("--public", tmp_path / "a", "--out", tmp_path / "b")):
        refused = type_command("challenge", "export", folder, *options)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "--out" in refused.stderr


def test_command_warns_of_a_seed_that_can_be_guessed(
    challenge_folder: ChallengeFolder, tmp_path: Path
) -> None:
    """The challenge is exported nevertheless: the digits are public anyway."""
    folder = challenge_folder.describe()
    done = type_command("challenge", "export", folder, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert "can be guessed" in done.stderr
    assert REFERENCES_FILE not in files(tmp_path / "out")
