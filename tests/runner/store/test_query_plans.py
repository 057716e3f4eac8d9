"""What is asked of the store for each run finds its rows by an index, however many runs there are."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import event

from runner.store.database import utc_now
from runner.store.open_store import open_store
from runner.store.runs import _to_values
from runner.store.writes.runs import NewRun, RunChange, RunWrite, write_runs
from tests.support.records import evaluation_record, run_record


def test_no_statement_about_a_run_reads_the_whole_table(tmp_path: Path) -> None:
    with closing(open_store(tmp_path / "store", create=True)) as store:
        for name in ("a", "b"):
            store.begin(evaluation_record(id=name, challenge_folder=None))
        seen: list[tuple[str, Any]] = []
        engine = store.database._engine
        event.listen(
            engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, parameters, _context, many: seen.append(
                (statement, parameters[0] if many else parameters)
            ),
        )
        store.publish("a", run_record(index=0))
        store.publish("b", run_record(index=1))
        store.mark_evaluated("a", 0, outputs_sha256="0" * 64)
        store.mark_unevaluated("a", 0)
        assert len(store.runs("a")) == 1
        assert store.last_run_ended("a") is not None
        store.withdraw("a", [0])
        several: list[RunWrite] = []
        for name, index in (("a", 2), ("b", 3)):
            values = _to_values(name, run_record(index=index), ended=utc_now())
            several.append(NewRun(evaluation=name, index=index, attempt=1, token=None, values=values))
            several.append(RunChange(evaluation=name, index=index, token=None, values={"evaluated": True}))
        assert write_runs(store.database, several) == [True] * 4
        about_runs = [(text, values) for text, values in seen if "runs" in text]
        assert len(about_runs) >= 9
        with engine.connect() as connection:
            plans = [
                (text, step[-1])
                for text, values in about_runs
                for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
            ]
    assert [plan for plan in plans if plan[1].startswith("SCAN runs")] == []
