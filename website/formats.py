"""The reference of files and JSON objects, from the classes that read and write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runner.challenge.build_facts import BuildFacts
from runner.challenge.description import Description, Source
from runner.challenge.layout import (
    ARCHITECTURE_FILE,
    BUILD_FACTS_FILE,
    DESCRIPTION_FILE,
    ORIGINAL_FILE,
    REFERENCES_FILE,
    SPLIT_FILES,
)
from runner.challenge.limits import Limits
from runner.challenge.training import Training, TrainingChoice
from runner.reports.views.model import EvaluationView, FailureView, NoticeView, ScoreView, TimeView
from runner.results.manifest import AttemptPart, ChallengePart, ImagePart, Manifest, SubmissionPart
from runner.results.summary import Summary
from runner.store.records import RunRecord
from scoring.baselines.accuracies import AccuracyTable
from scoring.baselines.run_time import RunTime
from scoring.baselines.spread import Spread
from scoring.baselines.ulira import ULira
from scoring.card.card import CardFlag, ExactPart, HeldOutPart, KlomPart, MembershipPart, ScoreCard
from scoring.flags.joint_attack import JointAttack
from scoring.published.score import PublishedScore
from scoring.statistics.ceiling import Ceiling
from scoring.statistics.interval import Interval
from scoring.statistics.uncertainty import Uncertainty
from website.fields import documented_fields
from website.tables import table


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A file or a JSON object: its heading, what it is for, and the classes of its fields."""

    heading: str
    text: str
    parts: Sequence[tuple[type, str]]
    """Each class with the name of its section; the outermost class is the first and has no name."""


CHALLENGE_FOLDER: Final = (
    (DESCRIPTION_FILE, "the description; its hash is that of the challenge"),
    (ORIGINAL_FILE, "weights of the original network"),
    *((file, f"the examples of {split}") for split, file in SPLIT_FILES.items()),
    (REFERENCES_FILE, "outputs of the references; their weights are not stored"),
    (ARCHITECTURE_FILE, "the organizer's own network, if the challenge has one"),
    (BUILD_FACTS_FILE, "observations of the build; no part of the hash"),
)

STORE_FOLDER: Final = (
    ("store.sqlite", "evaluations, runs, attempts, entries, terms"),
    ("submissions/SHA256.zip", "archives of submissions, by content"),
    ("EVALUATION/summary.json", "[the summary](#summaryjson)"),
    ("EVALUATION/card.json", "[the score card](#cardjson)"),
    ("EVALUATION/manifest.json", "[every hash that the score rests on](#manifestjson)"),
    ("EVALUATION/outputs/NNNNN.npz", "outputs of a run's checkpoint"),
    ("EVALUATION/logs/NNNNN.txt", "what a run printed and raised, sanitized"),
    (
        "EVALUATION/checkpoints/NNNNN.safetensors",
        "a checkpoint until it is evaluated; `--keep-checkpoints all` keeps it",
    ),
)

FORMATS: Final = (
    Format(
        heading="challenge.toml",
        text="Written by `unlearn challenge build`. Unknown fields are errors.",
        parts=((Description, ""), (Source, "source"), (Limits, "limits"), (Training, "training")),
    ),
    Format(
        heading="Training file",
        text=(
            "The file that `--training FILE.toml` names: a table `[training]`, in which every field may be "
            "absent; the preset fills in the rest. Unknown fields are errors."
        ),
        parts=((TrainingChoice, ""),),
    ),
    Format(
        heading="build.json",
        text="What a build observed. Nothing is judged by it.",
        parts=((BuildFacts, ""),),
    ),
    Format(
        heading="summary.json",
        text="How an evaluation ended. `unlearn run --json` prints the same fields, and those of the "
        "[entry](../json.md#result).",
        parts=((Summary, ""),),
    ),
    Format(
        heading="manifest.json",
        text="Every hash that a score rests on; `unlearn verify` computes them again.",
        parts=(
            (Manifest, ""),
            (SubmissionPart, "submission"),
            (ChallengePart, "challenge"),
            (ImagePart, "image"),
            (AttemptPart, "attempt"),
            (RunRecord, "run"),
        ),
    ),
    Format(
        heading="card.json",
        text="The whole score card, which `unlearn score --json` prints too. "
        "[Metrics](../metrics.md) defines every number.",
        parts=(
            (ScoreCard, ""),
            (PublishedScore, "published"),
            (Uncertainty, "uncertainty"),
            (Ceiling, "ceiling"),
            (Interval, "interval"),
            (ExactPart, "exact"),
            (HeldOutPart, "held out"),
            (JointAttack, "joint attack"),
            (KlomPart, "KLoM"),
            (ULira, "U-LiRA"),
            (MembershipPart, "membership"),
            (AccuracyTable, "accuracies"),
            (Spread, "spread"),
            (RunTime, "run time"),
            (CardFlag, "flag"),
        ),
    ),
    Format(
        heading="JSON of check",
        text="`unlearn check --json` prints such an object for each submission; `unlearn show --json` has it "
        "as `view`.",
        parts=(
            (EvaluationView, ""),
            (FailureView, "failure"),
            (NoticeView, "notice"),
            (ScoreView, "score"),
            (TimeView, "time"),
        ),
    ),
)
"""In the order of the page."""

_INTRODUCTION: Final = """\
Every format has a version; `unlearn --version` prints all. Fields may be added at any time. The version rises
when a field is removed or changes its meaning. Seconds and bytes are in a field's name or stated here;
epsilons are in nats. A field without a default must be there.
[JSON output](../json.md) lists what each command prints.
"""


def formats_page() -> str:
    """Return the page: folders of a challenge and of a store, then each format with its fields."""
    parts = [
        "# Files and JSON objects\n",
        _INTRODUCTION,
        "## Folder of a challenge\n",
        "Participants receive the folder `public`, and the files that `unlearn challenge export` allows.\n",
        table(["file", "content"], [(f"`{name}`", content) for name, content in CHALLENGE_FOLDER]),
        "## Folder of a store\n",
        "`evaluations` in the current folder, unless `--store` names another.\n",
        table(["file", "content"], [(f"`{name}`", content) for name, content in STORE_FOLDER]),
        *(_section(item) for item in FORMATS),
    ]
    return "\n".join(parts)


def _section(item: Format) -> str:
    parts = [f"## {item.heading}\n", f"{item.text}\n"]
    for cls, name in item.parts:
        if name:
            parts.append(f"### {_heading(item, name)}\n")
        rows = [
            (f"`{field.name}`", field.type, field.default, field.text)
            for field in documented_fields(cls, link=_link)
        ]
        parts.append(table(["field", "value", "default", "meaning"], rows))
    return "\n".join(parts)


def _heading(item: Format, name: str) -> str:
    return f"{item.heading}: {name}" if name else item.heading


def _link(cls: type) -> str:
    """Return a link to the fields of a class.

    Raises:
        LookupError: the page does not have them.
    """
    for item in FORMATS:
        for part, name in item.parts:
            if part is cls:
                return f"[{name or item.heading}](#{_anchor(_heading(item, name))})"
    raise LookupError(f"website.formats has no section with the fields of {cls.__name__}.")


def _anchor(heading: str) -> str:
    """Return the fragment of a heading of this page."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
