"""Registers hooks of all kinds, keeps what they see, and leaves them registered."""


def unlearning(net, retain, forget, val):
    seen = []
    net.layer1.register_forward_hook(lambda module, given, out: seen.append(out.detach()))
    net.register_forward_pre_hook(lambda module, given: None)
    net.fc.register_full_backward_hook(lambda module, grad_in, grad_out: None)
    net.fc.weight.register_hook(lambda gradient: gradient * 0)
    net.eval()
    net(next(iter(forget))["image"]).sum().backward()
    assert seen
    net.features = lambda: seen
    net.fc.bias.data += 1
    return net
