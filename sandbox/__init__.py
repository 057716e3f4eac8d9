"""The programs that are copied into the image and run inside a container.

There are three programs. Each is started as ``python -m sandbox.NAME`` and exchanges frames
(`sandbox.protocol.frames`) with the host on its stdin and stdout::

    worker      UNTRUSTED runs.  supervisor: frames, pipes, time (root, three capabilities)
                                   ├── zygote ──fork──> child: one call of `unlearning`
                                   └── janitor ─fork──> helper: ends a run and cleans up after it
    evaluator   our code, untrusted weights:   checkpoint -> outputs
    trainer     our code, our data:            recipe -> challenge

Everything that a container needs arrives through the stream, and everything that it produces leaves
through it, so nothing of the host's disk is ever mounted. `sandbox.networks` and `sandbox.recipes` are
libraries of these programs. The host imports `sandbox.protocol` and nothing else from here; that package
needs the standard library only.
"""
