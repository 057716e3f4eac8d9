"""The reference of files and JSON objects, from the classes that read and write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from runner.challenge.build_facts import BuildFacts
from runner.challenge.description import Description
from runner.challenge.layout import (
    ARCHITECTURE_FILE,
    BUILD_FACTS_FILE,
    DESCRIPTION_FILE,
    EXPORTS_FILE,
    ORIGINAL_FILE,
    PROBES_FILE,
    REFERENCES_FILE,
    SPLIT_FILES,
)
from runner.challenge.training import TrainingChoice
from runner.competition.competition import Competition
from runner.leaderboard.model import Board
from runner.reports.views.model import EvaluationView
from runner.results.manifest import Manifest
from runner.results.summary import Summary
from scoring.card.card import ScoreCard
from website.fields import classes_in, documented_fields
from website.tables import table


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A file or a JSON object: its heading, what it is for, and the class of its fields."""

    heading: str
    text: str
    cls: type

    def parts(self) -> list[type]:
        """Return the class and those of its parts, each once, in the order in which fields name them."""
        others = {item.cls for item in FORMATS}
        parts = [self.cls]
        for cls in parts:  # which grows meanwhile
            parts += [
                part for part in dict.fromkeys(classes_in(cls)) if part not in others and part not in parts
            ]
        return parts

    def heading_of(self, part: type) -> str:
        """Return the heading of the fields of a part: ``summary.json: run`` for the class `RunRecord`."""
        if part is self.cls:
            return self.heading
        words = re.sub(r"(View|Part|Record)$", "", part.__name__)
        return f"{self.heading}: {re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', words).lower()}"


CHALLENGE_FOLDER: Final = (
    (DESCRIPTION_FILE, "the description; its hash is that of the challenge"),
    (ORIGINAL_FILE, "weights of the original network"),
    *((file, f"the examples of {split}") for split, file in SPLIT_FILES.items()),
    (REFERENCES_FILE, "outputs of the references; their weights are not stored"),
    (PROBES_FILE, "probes of the references, and the original network's outputs on forget, if recorded"),
    (ARCHITECTURE_FILE, "the organizer's own network, if the challenge has one"),
    (BUILD_FACTS_FILE, "observations of the build; no part of the hash"),
    (EXPORTS_FILE, "when a private challenge was exported, a line each; no part of the hash"),
)

STORE_FOLDER: Final = (
    ("store.toml", "only with PostgreSQL: its URL, and the identity that folder and database share"),
    ("store.sqlite", "evaluations, runs, attempts, entries, terms, what leaderboards computed"),
    ("uploads/", "what the web service received and nobody has checked yet"),
    ("shown/", "what the web service shows of results"),
    ("web.key", "signs cookies of the web service"),
    ("submissions/SHA256.zip", "archives of submissions, by content"),
    ("EVALUATION/summary.json", "[the summary](#summaryjson)"),
    ("EVALUATION/card.json", "[the score card](#cardjson)"),
    ("EVALUATION/manifest.json", "[every hash that the score rests on](#manifestjson)"),
    ("EVALUATION/outputs/NNNNN.npz", "outputs of a run's checkpoint, and its probes"),
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
        cls=Description,
    ),
    Format(
        heading="Training file",
        text=(
            "The file that `--training FILE.toml` names: a table `[training]`, in which every field may be "
            "absent; the preset fills in the rest. Unknown fields are errors."
        ),
        cls=TrainingChoice,
    ),
    Format(
        heading="competition.toml",
        text="Written by `unlearn competition init`, and edited by the organizer. Unknown fields are errors.",
        cls=Competition,
    ),
    Format(
        heading="build.json",
        text="What a build observed. Nothing is judged by it.",
        cls=BuildFacts,
    ),
    Format(
        heading="summary.json",
        text="How an evaluation ended. `unlearn run --json` prints the same fields, and those of the "
        "[entry](../json.md#result).",
        cls=Summary,
    ),
    Format(
        heading="manifest.json",
        text="Every hash that a score rests on; `unlearn verify` computes them again.",
        cls=Manifest,
    ),
    Format(
        heading="card.json",
        text="The whole score card, which `unlearn score --json` prints too. "
        "[Metrics](../metrics.md) defines every number.",
        cls=ScoreCard,
    ),
    Format(
        heading="JSON of check",
        text="`unlearn check --json` prints such an object for each submission; `unlearn show --json` has it "
        "as `view`.",
        cls=EvaluationView,
    ),
    Format(
        heading="JSON of leaderboard",
        text="`unlearn leaderboard --json` prints such an object. `unlearn leaderboard --csv` has the same "
        "rows, with the same figures.",
        cls=Board,
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
    for cls in item.parts():
        if cls is not item.cls:
            parts.append(f"### {item.heading_of(cls)}\n")
        rows = [
            (f"`{field.name}`", field.type, field.default, field.text)
            for field in documented_fields(cls, link=_link)
        ]
        parts.append(table(["field", "value", "default", "meaning"], rows))
    return "\n".join(parts)


def _link(cls: type) -> str:
    """Return a link to the fields of a class."""
    (heading,) = (item.heading_of(cls) for item in FORMATS if cls in item.parts())
    return f"[{heading.rpartition(': ')[2]}](#{_anchor(heading)})"


def _anchor(heading: str) -> str:
    """Return the fragment of a heading of this page."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
