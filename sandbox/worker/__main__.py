"""Run the worker: ``python -m sandbox.worker``, the command of its container."""

from sandbox.worker.main import main

main()
