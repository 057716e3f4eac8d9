"""Run the evaluator: ``python -m sandbox.evaluator``, the command of its container."""

import gc
import importlib

gc.disable()  # imports create many objects and no garbage: a seventh of their time
main = importlib.import_module("sandbox.evaluator.main").main
gc.freeze()
gc.enable()

main()
