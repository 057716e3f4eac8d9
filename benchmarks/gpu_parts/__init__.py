"""The parts of `benchmarks/gpu.py`: each measures one thing on a device and returns it as plain values.

They run on a machine that has a GPU, PyTorch, safetensors and numpy, and nothing else of this project's
requirements: no container engine, no network, no package of the host's side. They import `sandbox` alone.
"""
