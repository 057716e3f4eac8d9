"""Execute runs on other machines: the nodes of a Ray cluster, each with a container engine of its own.

::

    coordinator                             Ray            node
    -----------                             ---            ----
    executor   ClusterExecutor: hands out   actor calls    device   DeviceWorker: the executor of one machine,
    │          runs, yields each as it comes  -------->    │        evaluates each checkpoint where it is made
    pool       nodes, devices, heartbeat      <--------    agent    NodeAgent: facts, challenges, leases,
    │          (the only module with Ray,   one run after           containers that were left
    ray_library  and this one)              the other
    sharing, poison, fitness                               challenge_cache
      decisions, without Ray, files or clocks                orders: what travels

The coordinator is the process that evaluates. It alone writes the store, under the token of its lease: a node
never learns where the store is. Ray places actors, carries what they send and notices their deaths; it never
repeats a call (``max_task_retries=0``). What is lost with a node was not published, and is executed again.
Whoever reaches Ray's ports is root on the nodes, and nodes trust each other and the coordinator.
"""
