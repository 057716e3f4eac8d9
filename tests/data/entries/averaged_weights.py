"""Averages two states of the weights and returns torch's wrapper with the average."""

from torch.optim.swa_utils import AveragedModel


def unlearning(net, retain, forget, val):
    average = AveragedModel(net)
    average.update_parameters(net)
    net.fc.bias.data += 2
    average.update_parameters(net)
    return average
