"""What a coordinator decides, from values alone: which nodes are fit, who gets which runs, when it gives up.

::

    fitness   is a node like the coordinator?      sharing   how many devices and runs does each get?
    poison    when is an evaluation held?          timing    how long may runs be without a device?
    gpu_class on which devices does it execute?
"""
