"""What an entry finds when it is imported: its own modules, the contest's files, the interfaces of 2023.

Everything here is a convenience inside the run's own process, or before it is forked: nothing decides a
verdict, and nothing may loosen what `sandbox.worker.child` has closed.
"""
