"""The worker of `benchmarks/gpu.py`: its program, and what it needs where it shares the machine."""
