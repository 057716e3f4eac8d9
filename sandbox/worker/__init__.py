"""The worker: executes untrusted submissions, each run in a process with its own uid and few privileges.

Each process has one task, and only the last one executes code of a submission::

    supervisor     frames, pipes, time limits; imports no torch and forks no runs
      ├── janitor  ──fork──> helper: takes a run's uid, ends its processes, removes its files
      └── zygote   has imported torch and loaded the data; never reads a byte of a run
            └──fork──> child: drops privileges, installs the seccomp filter, imports the submission

`main` forks the janitor first, then the zygote, then hands over to `supervisor`. The order in which
`child` drops privileges is part of the wall: change it only with the attacks in
``sample_submissions/hostile`` at hand.

This package must not trust what a run sends, must not let one run learn anything about another, and
must not import torch outside the zygote and its children. It imports nothing of `runner`.
"""
