"""Make populations of cheats and honest submissions, and report how often each is flagged.

``generate`` needs torch, which the image has; ``report`` works on the host::

    python -m benchmarks.integrity generate --folder populations --seeds 20
    python -m benchmarks.integrity report --folder populations --store
    python -m benchmarks.integrity slow --folder populations
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def main() -> None:
    """Parse the command line and do what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("generate", help="make the populations that are missing")
    making.add_argument("--folder", type=Path, required=True, help="of the populations")
    making.add_argument("--seeds", type=int, default=20, help="of the challenges: below this number")
    making.add_argument("--first", type=int, default=0, help="seed of the first of these challenges")
    making.add_argument("--populations", nargs="+", default=(), help="names of those to make; otherwise all")
    making.add_argument("--untimed", action="store_true", help="save the time that timing the runs takes")
    making.add_argument("--data-set", default="digits", help="digits, resnet18, or mnist from its files")
    making.add_argument("--data", type=Path, help="folder with the files of the data set")
    making.add_argument("--part", type=int, default=0, help="which of several processes this is, from 0")
    making.add_argument("--parts", type=int, default=1, help="number of processes")
    counting = commands.add_parser("report", help="compute the score cards, and count the flags")
    counting.add_argument("--folder", type=Path, required=True, help="of the populations")
    counting.add_argument("--store", action="store_true", help="write the report, and docs/integrity.md")
    counting.add_argument(
        "--methods", nargs="+", default=(), help="count these alone, and keep what is stored of others"
    )
    mixing = commands.add_parser("slow", help="of runs of which some retrain, count who is too slow")
    mixing.add_argument("--folder", type=Path, required=True, help="of the populations")
    options = parser.parse_args()
    if options.command == "generate":
        from benchmarks.integrity.generate import Share, generate  # noqa: PLC0415 - torch is in the image alone

        share = Share(
            data_set=options.data_set,
            seeds=range(options.first, options.seeds),
            data_folder=options.data,
            part=options.part,
            parts=options.parts,
            names=options.populations,
            timed=not options.untimed,
        )
        generate(options.folder, share)
    elif options.command == "slow":
        from benchmarks.integrity.slow import rates_of_mixtures  # noqa: PLC0415 - loads the scorer

        print("\n".join(rates_of_mixtures(options.folder)))
    else:
        from benchmarks.integrity.methods import KINDS  # noqa: PLC0415 - loads the scorer
        from benchmarks.integrity.page import STORED, stored_report, write_page  # noqa: PLC0415 - loads the scorer
        from benchmarks.integrity.report import HONEST, collect, rates, replaced, report, table  # noqa: PLC0415

        data = report(collect(options.folder, options.methods or KINDS))
        for name, of_data_set in data["data_sets"].items():
            print(f"{name}: {of_data_set['challenges']} challenges\n")
            for kinds in (("cheat",), ("gains little", "nothing"), HONEST):
                print("\n".join(table(of_data_set, kinds)), end="\n\n")
            print("\n".join(rates(of_data_set, HONEST)), end="\n\n")
        if options.store:
            if options.methods:
                data = replaced(stored_report(), data)
            STORED.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
            write_page()


if __name__ == "__main__":
    main()
