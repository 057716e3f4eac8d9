"""Gives an object that can be called instead of a function."""


class Unlearner:
    def __init__(self, shift):
        self.shift = shift

    def __call__(self, model, *loaders, **options):
        assert len(loaders) == 3
        assert not options
        model.fc.bias.data += self.shift
        return {"loss": 0.1}


unlearning = Unlearner(1)
