"""What of an NVIDIA GPU the host decides before a container gets it.

::

    cdi_rules     what a CDI specification may add to a container: a specification in, sentences out
    cdi_files     reads the host's specifications, and refuses a device whose specification adds more
    gpu_parent    the GPU that an instance of a partitioned one (MIG) belongs to
"""
