"""How runs are executed and their checkpoints evaluated: at present in containers of this machine.

::

    executor            protocol `Executor`: planned runs in, evaluated runs out
    local               the executor of one machine: worker containers, and an evaluator beside them
    container_per_run   one worker container for each run, in parallel
    evaluator_queue     feeds checkpoints to the evaluator in the background
    host_session        engine, image, locks and labels of every command that starts containers
    context, settings   what evaluations share, and what a command requested

An executor gets callbacks to read checkpoints and to publish outputs; it neither publishes runs nor decides
whether an evaluation continues. Another machine's executor implements the same protocol.
"""
