"""Execute runs on other machines: the nodes of a Ray cluster, each with a container engine of its own.

::

    coordinator                             Ray            node
    -----------                             ---            ----
    executor   ClusterExecutor: hands out   actor calls    device   DeviceWorker: the executor of one machine,
    │          runs, yields each as it comes  -------->    │        evaluates each checkpoint where it is made
    pool       nodes, devices, heartbeat      <--------    agent    NodeAgent: facts, challenges, leases,
    │                                       one run after           containers that were left
    nodes      calls of actors              the other      outbox, leases, challenge_cache
    opening    takes nodes in; retraining: timed on a node of the class
    decisions: sharing, poison, fitness, timing, gpu_class

Ray is in `ray_library`, `nodes` and `handles` alone; `device_pool` has the protocols that the executor uses,
and `orders` what travels.

The coordinator is the process that evaluates. It alone writes the store, under the token of its lease: a node
never learns where the store is. Ray places actors, carries what they send and notices their deaths; it never
repeats a call (``max_task_retries=0``). What is lost with a node was not published, and is executed again.
Whoever reaches Ray's ports is root on the nodes, and nodes trust each other and the coordinator.
"""
