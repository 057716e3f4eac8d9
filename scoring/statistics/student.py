"""How likely is a t value under Student's distribution, for whole degrees of freedom?"""

import math

import numpy as np


def two_sided_p(t: float, degrees: int) -> float:
    """Return the probability of a value at least as far from 0 as t, in [0, 1].

    For whole degrees of freedom it is a finite sum in the angle ``atan(t / sqrt(degrees))``.

    Args:
        t: Any number; infinity gives 0.
        degrees: Degrees of freedom, 1 or more.

    Raises:
        ValueError: t is NaN or the degrees are below 1.

    Source:
        Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    if degrees < 1:
        raise ValueError(f"Degrees of freedom must be 1 or more, not {degrees}.")
    if math.isnan(t):
        raise ValueError("The t value must be a number, but it is NaN.")
    angle = math.atan(abs(t) / math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(3 if odd else 2, degrees + (2 if odd else 1), 2):
        total += term
        term *= cosine**2 * (k - 1) / k
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return float(np.clip(1 - inside, 0.0, 1.0))


def two_sided_quantile(level: float, degrees: int) -> float:
    """Return the t that a value stays within, either way, with this probability.

    Args:
        level: In (0, 1), such as 0.95.
        degrees: Degrees of freedom, 1 or more.

    Raises:
        ValueError: the level is out of range or the degrees are below 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"The level must lie strictly between 0 and 1, but it is {level}.")
    low, high = 0.0, 1.0
    while two_sided_p(high, degrees) > 1 - level:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        if two_sided_p(middle, degrees) > 1 - level:
            low = middle
        else:
            high = middle
    return high
