"""The trainer: builds a challenge from an organizer's files, or times one retraining.

Trusted code on trusted data, in a container with no network and none of the host's disk::

    main             receives a job, runs it, sends the results as frames
      ├── references   the original network, and groups of references in parallel processes
      │     └── training     one group as one stacked network, epoch by epoch
      │           ├── train_step, optimizers, lr_schedule    one step
      │           ├── best_epoch                             weights of the best epoch by validation
      │           └── snapshots, snapshot_timer              state from which a training resumes
      └── timing       how long one plain retraining takes

A network depends on its seed, its recipe and the group size alone: an interrupted build that resumes ends
with the same bits. Nothing here reads a submission, runs untrusted code, or writes to a disk.
"""
