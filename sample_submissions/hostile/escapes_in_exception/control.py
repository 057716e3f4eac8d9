"""Raises and catches an exception in another script."""


def unlearning(net, retain, forget, val):
    try:
        raise ValueError("ошибка 错误 שגיאה")
    except ValueError as error:
        print(error)
