"""What a cluster executes on its nodes: an agent on each, and a process for each of its devices.

::

    agent    what the node is; its challenges, the leases of coordinators, containers that were left
    device   executes shares of evaluations, evaluates their checkpoints; outbox: until a coordinator takes it
"""
