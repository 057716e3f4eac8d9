"""Works on all weights as one vector, of which they are views from then on."""

import torch


def unlearning(net, retain, forget, val):
    vector = torch.nn.utils.parameters_to_vector(net.parameters()).detach()
    torch.nn.utils.vector_to_parameters(vector, net.parameters())
    assert net.fc.weight.untyped_storage().data_ptr() == net.fc.bias.untyped_storage().data_ptr()
    net.fc.bias.data += 1
