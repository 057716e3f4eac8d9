"""Measure the intake of the web service: many teams within a minute, and many requests for one last place.

It starts `unlearn serve` as a process, hands in over HTTP, and then reads the store: every acknowledged file
must be there once, whole, and nothing else. With ``--store`` it uses a store that exists, so that the
database behind it can be another one.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx2
import numpy as np
import tomli_w
from rich.console import Console
from rich.table import Table

from runner.competition.competition import COMPETITION_FILE
from runner.store.competition.records import CompetitionEntry
from runner.store.open_store import open_store
from runner.store.paths import uploads_folder

_NAME: Final = "Intake"
_GOAL_MS: Final = 500.0
_LOCAL: Final = datetime.fromisoformat


def write_competition(folder: Path, **quota: int) -> None:
    """Write a competition with one open phase; its challenge is needed by no upload."""
    phase = {
        "name": "feedback",
        "kind": "feedback",
        "challenges": ["feedback"],
        "opens": _LOCAL("2020-01-01"),
        "closes": _LOCAL("2100-01-01"),
        "runs": 64,
        "quota": quota,
    }
    fields = {"schema_version": 1, "name": _NAME, "time_zone": "UTC", "phases": [phase]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / COMPETITION_FILE).write_text(tomli_w.dumps(fields))


def add_teams(store_folder: Path, teams: list[str]) -> dict[str, str]:
    """Add teams; return their tokens."""
    tokens = {team: hashlib.sha256(f"{team} {time.time()}".encode()).hexdigest() for team in teams}
    with closing(open_store(store_folder, create=True)) as store:
        for team, token in tokens.items():
            digest = hashlib.sha256(token.encode()).hexdigest()
            store.add_team(_NAME, team, token_sha256=digest, who="benchmark")
    return tokens


@contextmanager
def serving(folder: Path, store: Path) -> Iterator[str]:
    """Yield the address of a service."""
    words = [str(Path(sys.executable).parent / "unlearn"), "serve", str(folder), "--store", str(store)]
    words += ["--origin", "http://localhost", "--port", "0", "--unsafe-user"]
    environment = {**os.environ, "COLUMNS": "200"}
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if match := re.search(r"on (http://\S+)", line):
                yield match[1]
                break
        else:
            raise RuntimeError("the service did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


async def hand_in(client: httpx2.AsyncClient, token: str, content: bytes) -> tuple[int, float]:
    """Hand a file in; return the status and the milliseconds that it took."""
    begun = time.perf_counter()
    answer = await client.put(
        "/api/v1/phases/feedback/entries?file_name=a.zip",
        content=content,
        headers={"Authorization": f"Bearer {token}"},
    )
    return answer.status_code, (time.perf_counter() - begun) * 1000


async def teams_in_a_minute(
    address: str, tokens: dict[str, str], *, uploads: int, seconds: float, size: int
) -> tuple[list[bytes], list[float]]:
    """Let each team hand in so many files at random moments; return the files and the milliseconds."""
    chance, files, times = random.Random(0), [], []

    async def one(client: httpx2.AsyncClient, token: str, content: bytes, delay: float) -> None:
        await asyncio.sleep(delay)
        status, milliseconds = await hand_in(client, token, content)
        if status != 201:
            raise RuntimeError(f"an upload got the status {status}")
        times.append(milliseconds)

    async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
        jobs = []
        for token in tokens.values():
            for _number in range(uploads):
                content = chance.randbytes(size)
                files.append(content)
                jobs.append(one(client, token, content, chance.uniform(0, seconds)))
        await asyncio.gather(*jobs)
    return files, times


async def one_place_left(address: str, token: str, requests: int) -> list[int]:
    """Hand in so many files at one moment; return the statuses."""
    limits = httpx2.Limits(max_connections=requests)
    async with httpx2.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        jobs = [hand_in(client, token, f"file {number}".encode() * 1000) for number in range(requests)]
        return [status for status, _time in await asyncio.gather(*jobs)]


def stored_entries(store_folder: Path, teams: set[str]) -> list[CompetitionEntry]:
    """Return the entries of teams, after checking that the bytes of each are there."""
    with closing(open_store(store_folder, create=False)) as store:
        entries = [entry for entry in store.competition_entries(_NAME) if entry.team in teams]
    for entry in entries:
        assert entry.upload is not None
        content = (uploads_folder(store_folder) / entry.upload).read_bytes()
        if hashlib.sha256(content).hexdigest() != entry.upload_sha256:
            raise RuntimeError(f"the file of entry {entry.id} is not what was handed in")
    return entries


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=50)
    parser.add_argument("--uploads", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kib", type=int, default=200, help="size of each file")
    parser.add_argument("--requests", type=int, default=100, help="for the one place that is left")
    parser.add_argument("--store", type=Path, help="folder of a store; by default a new one with SQLite")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, store = Path(name) / "contest", chosen.store or Path(name) / "store"
        run = f"{time.time():.0f}"
        tokens = add_teams(store, [f"t{run}-{number}" for number in range(chosen.teams)])
        write_competition(folder)
        with serving(folder, store) as address:
            files, times = asyncio.run(
                teams_in_a_minute(
                    address, tokens, uploads=chosen.uploads, seconds=chosen.seconds, size=chosen.kib << 10
                )
            )
        hashes = [entry.upload_sha256 for entry in stored_entries(store, set(tokens))]
        expected = {hashlib.sha256(content).hexdigest() for content in files}
        lost, doubled = len(expected - set(hashes)), len(hashes) - len(set(hashes))
        last = add_teams(store, [f"l{run}"])
        write_competition(folder, total=1)
        with serving(folder, store) as address:
            statuses = asyncio.run(one_place_left(address, last[f"l{run}"], chosen.requests))
        taken = len(stored_entries(store, set(last)))
    table = Table("what", "figure")
    table.add_row("files handed in", str(len(files)))
    table.add_row("lost, doubled", f"{lost}, {doubled}")
    for share in (50, 95, 100):
        table.add_row(f"milliseconds, {share} %", f"{np.percentile(times, share):.0f}")
    table.add_row(
        f"accepted of {chosen.requests} at once with 1 left", f"{statuses.count(201)}; rows: {taken}"
    )
    table.add_row("statuses", str({status: statuses.count(status) for status in sorted(set(statuses))}))
    Console().print(table)
    if lost or doubled or statuses.count(201) != 1 or taken != 1:
        sys.exit("files were lost or doubled, or the quota was exceeded")
    if np.percentile(times, 95) > _GOAL_MS:
        sys.exit(f"the goal of {_GOAL_MS:.0f} ms is missed")


if __name__ == "__main__":
    main()
