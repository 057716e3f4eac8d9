"""The host's side of the three containers: worker, evaluator and trainer.

Frames go in, checked values come out::

    WorkerClient      submission, runs     ──>  EndedRun (judgement, checkpoint, log)
    EvaluatorClient   checkpoints          ──>  NetworkOutputs or Rejected
    TrainerSession    a job and its data   ──>  the trainer's frames

All three speak through a `Channel`: it accepts only the frames that
`sandbox.protocol.messages` allows, over a `Stream` of bytes. A container of
`runner.engine.api` is such a stream; tests use one in memory.

A run that fails is a value (`EndedRun` with its verdict); a container that fails is an
exception (`SandboxError`). Clients never touch the store, and everything that they show
of what a container sent has been sanitized.
"""
