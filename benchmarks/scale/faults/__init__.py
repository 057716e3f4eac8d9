"""A Ray cluster of machines that can be killed, suspended and cut off, all of them on this one.

::

    this machine                 namespace "switch"           a namespace for each machine
    head, coordinator  --veth--  bridge with a port for each  --veth--  ray start, agent, devices
    PostgreSQL         socket                                           engine of its own, or this machine's

`network` has namespaces and cuts, `machines` Ray's processes, `audit` what must hold whatever happens.
Nothing else of this machine is touched: addresses, namespaces, engine and database are the benchmark's own.
"""
