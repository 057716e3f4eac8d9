"""The host check behind ``unlearn doctor``: whether this host can run submissions safely and fairly.

::

    gather.py  ->  Facts  ->  engine.py, kernel.py, capacity.py  ->  Finding  ->  table.py, JSON
                              (the list of checks: checks.py)          ^
    gpu_facts.py  ->  GpuFacts  ->  gpu.py  ---------------------------+
    gallery.py  ->  GalleryReport  ->  attacks.py  --------------------+

`gather` reads the host once. Every check is a pure function from the facts and the purpose to a `Finding`,
so tests judge hosts that nobody has at hand. `gallery` then runs a few hostile submissions on the real host.

A finding states what was observed, what it means and what to do. It also names the guarantee that this host
cannot give. A value that cannot be determined is reported as unknown, never guessed.

Doctor must not change the host: it installs nothing, sets nothing and leaves no file in the store.
"""
