"""Run the trainer: ``python -m sandbox.trainer``, the command of its container."""

from sandbox.trainer.main import main

main()
