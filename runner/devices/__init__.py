"""Several evaluations at once on one machine: one on each device, a GPU or a share of the processor's cores.

::

    device           `Device`, what ``--devices`` names, and whether their shares fit into the machine
    protocol         what a command and the process of a device tell each other: lines of JSON
    child            the process of a device: evaluates what it is told, on that device alone
    device_process   starts it, asks it for evaluations, ends it; its crash fails one evaluation
    batch            hands the entries of a command to its devices, in their order
    board            what goes on, on which device: counts, rate, time left, failures
    display          shows the board: a live table, plain lines, or lines of JSON

The command decides what is evaluated, and records what came of it; it evaluates nothing itself. A process for
each device, because one that is killed, or runs out of memory while it scores, takes no other evaluation with
it, and because no thread that scores holds up another device's clock. The processes are children in a process
group of their own: Ctrl-C reaches the command alone, which tells them once; without the command they end.
"""
