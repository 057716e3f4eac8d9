"""Do intervals reach as far as their errors say?"""

import math

import pytest

from scoring.statistics.interval import additive_interval, multiplicative_interval


def test_quantile_is_students():
    """With 16 degrees of freedom 95 % lie within 2.1199 standard errors, with very many within 1.96."""
    found = additive_interval(10.0, 1.0, degrees=16)
    assert (found.low, found.high) == pytest.approx((10 - 2.1199, 10 + 2.1199), abs=1e-4)
    assert additive_interval(10.0, 1.0, degrees=1e9).high == pytest.approx(11.95996, abs=1e-4)


def test_multiplicative_interval_is_symmetric_in_ratios():
    """It reaches as many times below the estimate as above, and its error is in the number's unit."""
    found = multiplicative_interval(0.2, 0.1, degrees=16)
    assert found.high / 0.2 == pytest.approx(math.exp(0.21199), abs=1e-5)
    assert found.estimate / found.low == pytest.approx(found.high / found.estimate)
    assert found.standard_error == pytest.approx(0.02)


def test_intervals_never_go_below_zero():
    """Numbers that cannot be negative have no negative low end, and a zero that varies by factors stays."""
    assert additive_interval(0.1, 1.0, degrees=5).low == 0
    zero = multiplicative_interval(0.0, 1.0, degrees=5)
    assert (zero.low, zero.high, zero.standard_error) == (0, 0, 0)


def test_a_hopeless_error_is_finite():
    """One degree of freedom and a relative error of 1000 give a huge upper end and no overflow."""
    assert math.isfinite(multiplicative_interval(0.2, 1000.0, degrees=1).high)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.1, 95.0, math.nan])
def test_impossible_confidences_are_refused(confidence):
    """A confidence that is not strictly between 0 and 1 is a ValueError."""
    for make in (additive_interval, multiplicative_interval):
        with pytest.raises(ValueError, match="confidence must lie between"):
            make(1.0, 0.1, degrees=5, confidence=confidence)
