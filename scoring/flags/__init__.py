"""Flags: what a reader should know about the checkpoints before trusting a score.

`find` collects the flags of `mixture`, `duplicates`, `outliers` and `decided_by_one`.
`joint_attack` tests whole checkpoints against the references, with the kernel test of `mmd`. `too_close`
reports checkpoints that were fitted to the references, by the tests of `evenness`, `mmd` and `nearness`.

A flag reports an observation with its figures. It must not change the score or accuse a
participant: whoever publishes the score decides what a flag means.
"""
