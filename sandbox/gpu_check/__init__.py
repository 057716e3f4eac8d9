"""Whether a GPU can be used under the rules of a run; nothing of a submission is involved.

`unlearn doctor --device` starts it in a container like a worker's (``python -m sandbox.gpu_check DEVICE``),
and part (b) of `benchmarks/gpu.py` calls it on a bare machine. Each attempt is made in a child of its own,
since a process that has once used a GPU cannot fork others that do.
"""
