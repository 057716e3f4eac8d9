"""Run the trainer: ``python -m sandbox.trainer``, the command of its container."""

import gc
import importlib

gc.disable()  # imports create many objects and no garbage: a seventh of their time
main = importlib.import_module("sandbox.trainer.main").main
gc.freeze()
gc.enable()

main()
