"""Build a challenge: from options and an organizer's data to a folder that can be published.

::

    options ── plan ──> BuildPlan
    files   ── data_files, download ──> OrganizerData (hashed, never parsed)
                     │
                     v
    build ──> trainer container ──> build_folder (.building/: facts, groups, snapshots)
                     │
                     v
              challenge.toml, written last: a folder that has one is a complete challenge

An interrupted build is resumed by the same command: finished groups of references are stored
as they arrive, and trainings in progress resume from their last snapshot. A command with other inputs is
refused (`resume`): nothing that is finished is dropped unless the user says so.

`controls` builds control problems by the same plan: after the challenge's references, and before its
description, which lists them.

`lock` lets one command at a time build in a folder. What makes a challenge of little use is remarked on as
early as it is known (`runner.challenge.cautions`).

The host parses none of the organizer's files and runs none of the organizer's code; both happen
in the trainer container alone. Downloaded archives are passed on as they were published.
"""
