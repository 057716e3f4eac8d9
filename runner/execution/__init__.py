"""How runs are executed and their checkpoints evaluated in containers of this machine.

::

    executor            protocol `Executor`: planned runs in, evaluated runs out
    local               the executor of one machine: worker containers, and an evaluator beside them
    containers          worker containers, each with one run at a time: reused, or one for each run
    evaluator_queue     feeds checkpoints to the evaluator in the background
    host_session        engine, image, locks and labels of every command that starts containers
    context, settings   what evaluations share, and what a command requested

An executor gets callbacks to read checkpoints and to publish outputs; it neither publishes runs nor decides
whether an evaluation continues. `runner.cluster` executes runs on other machines, behind the same protocol.
"""
