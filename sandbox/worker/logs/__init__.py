"""What the supervisor makes of the output of a run: within a budget, and without redrawn progress bars.

The bytes come from untrusted code. They are cut and counted here, and never interpreted beyond line ends.
"""
