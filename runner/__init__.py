"""The host's side: runs submissions in sealed containers, judges and scores them, and stores the results.

::

    cli             one file for each command; turns errors into exit codes
     ├── doctor     checks whether this host runs submissions safely and fairly
     ├── gallery    runs hostile samples and judges which attacks were contained
     ├── reports    tables for people
     ├── leaderboard ranks with ties, and who sees what
     ├── evaluation one evaluation, from terms to summary
     │    ├── execution    executes runs in containers
     │    ├── results      summary, manifest, verification, input of the scorer
     │    └── time_limits  how long a run may take on this host
     ├── builder    builds a challenge in the trainer container
     └── setup      prepares this host: engine, runtimes, image

    on these stand all of the above
     ├── clients    worker, evaluator, trainer: frames in, values out
     ├── image      the image of all containers: inputs, digest, build
     ├── store      rows, leases and files; finished work stays finished
     └── engine     the container engine ──> Docker, Podman

    and on these all of the above
     ├── challenge  a challenge as data
     ├── submission a submission as bytes
     └── parsers    untrusted bytes ──> values; pure, fuzzed

    ground          errors, verdict; sanitize, units; files, progress, validation, checkout, tracebacks

Imports run downwards only; `tests/architecture` contains the table. The statistics are in `scoring`, the code
inside the containers in `sandbox`, of which the host imports `sandbox.protocol` alone.

The host is trusted, and light on purpose: no torch, no pickle, and nothing that a submission wrote is
imported, unpacked or displayed unsanitized. A submission's failure is a value (`runner.verdict.Verdict`);
a failure of the project or the host is an exception (`runner.errors`).
"""
