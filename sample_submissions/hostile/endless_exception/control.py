"""Chains three exceptions."""


def unlearning(net, retain, forget, val):
    try:
        try:
            raise ValueError("first")
        except ValueError as error:
            raise KeyError("second") from error
    except KeyError as error:
        assert isinstance(error.__cause__, ValueError)
