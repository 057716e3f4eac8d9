"""Returns weights whose every method lies; the host must read the bytes only."""

import torch


class Liar(torch.Tensor):
    def detach(self):
        return self

    def to(self, *_, **__):
        return self

    def contiguous(self):
        return self

    def clone(self):
        return torch.full((2, 2), float("nan"))


def unlearning(net, retain, forget, val):
    contents = {name: tensor.as_subclass(Liar) for name, tensor in net.state_dict().items()}
    net.state_dict = lambda *_, **__: contents
