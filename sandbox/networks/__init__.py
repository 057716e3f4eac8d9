"""Networks: build them, stack many into one, and compute the outputs that are scored.

Shared by the programs that run in a container (worker, evaluator, trainer), so that all of them build the
same network and compute its outputs in the same way::

    architectures   name -> untrained network; `custom` imports an organizer's own file
    stacking        state dicts of many networks <-> state dict of one stacked network
    stacked_layers  torchvision's network -> stacked network, layer by layer
    same_network    architecture -> refused unless its state dict determines the network
    outside_state   network -> digests of what its state dict does not hold
    datasets        split -> the Dataset and DataLoader that a submission receives
    outputs         network, splits -> logits, counts of correct predictions, losses
    precision       float32 throughout, deterministic algorithms

Nothing here trains a network, knows a recipe, or reads or sends frames.
"""
