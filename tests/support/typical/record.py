"""Record what runs of the typical failures store: check them on the public digits, then run this as a module.

It needs the image, and takes two minutes: ``python -m tests.support.typical.record``.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner.builder.default_challenge import find_default_challenge
from runner.cli.participant.stored_view import NamedEvaluation
from runner.store.open_store import open_store
from runner.store.store import Store
from tests.support.command import type_command
from tests.support.paths import TEST_DATA
from tests.support.typical.failures import FAILURES, OTHERS, SEED

RECORD = TEST_DATA / "typical_failures.json"


def recorded(store: Store, folder: Path, name: str) -> dict[str, Any]:
    """Return what is stored of an evaluation."""
    runs = store.runs(name)
    named = NamedEvaluation(store=store, folder=folder, name=name)
    return {
        "summary": store.evaluation(name).summary,
        "runs": [asdict(run) for run in runs],
        "logs": {run.index: named.log(run.index) for run in runs},
    }


def main() -> None:
    """Check all of them, and write the record."""
    challenge = find_default_challenge()
    assert challenge is not None, "run: unlearn setup"
    files = {name: failure.source for name, failure in (FAILURES | OTHERS).items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, source in files.items():
            text = source.replace(SEED, str(challenge.run_seed(1)))
            Path(folder, f"{name}.py").write_text(text, encoding="utf-8")
        done = type_command(
            "check",
            *(f"{name}.py" for name in files),
            "-c",
            challenge.folder,
            cwd=Path(folder),
            XDG_CACHE_HOME=folder,
        )
        assert done.returncode == 1, done.stderr
        checks = Path(folder, "unlearn", "checks")
        with closing(open_store(checks, create=False)) as store:
            names = {entry.name: entry.evaluation for entry in store.entries()}
            record = {name: recorded(store, checks, names[name] or "") for name in files}
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
