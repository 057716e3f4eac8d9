"""The evaluator: our code that computes the outputs of untrusted checkpoints.

It holds all four splits, so nothing that a submission wrote may run here: weights are data. It must not
import anything of the worker, and answers for each checkpoint with outputs or with a reason.
"""
