"""Defines a function of another name; the report must name the missing one."""


def forget_them(net, retain, forget, val):
    return net
