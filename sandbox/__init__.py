"""What is copied into the image: the programs that run inside a container.

Three programs, each started as ``python -m sandbox.NAME`` and speaking frames
(`sandbox.protocol.frames`) on its stdin and stdout::

    worker      UNTRUSTED runs.  supervisor: frames, pipes, time (root, three capabilities)
                                   ├── zygote ──fork──> child: one call of `unlearning`
                                   └── janitor ─fork──> helper: ends and wipes a run
    evaluator   our code, strangers' weights:  checkpoint -> outputs
    trainer     our code, our data:            recipe -> challenge

Everything a container needs comes in through the stream and everything it makes goes
out through it, so nothing of the host's disk is ever mounted. The host imports
`sandbox.protocol.frames` and `sandbox.protocol.messages` from here, which need the standard library only.
"""
