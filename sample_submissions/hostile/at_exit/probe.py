"""Must end as any run does; what the one before printed at exit is not its own."""


def unlearning(net, retain, forget, val):
    print("an honest line")
