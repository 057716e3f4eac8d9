"""Intervals: their reach follows from the error and Student's t."""

import math

import numpy as np
import pytest
from scipy import stats

from scoring.statistics.interval import (
    additive_interval,
    multiplicative_interval,
    two_sided_p,
    two_sided_quantile,
)


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    # Tables of Student's distribution, two-sided 95 %.
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (8, 2.3060), (10, 2.2281), (1000, 1.9623)],
)
def test_quantiles_are_the_tabled_ones(degrees, quantile):
    """To the four digits of a table, for even and odd degrees."""
    assert two_sided_quantile(degrees, 0.95) == pytest.approx(quantile, abs=6e-5)
    assert two_sided_p(degrees, quantile) == pytest.approx(0.05, abs=1e-5)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 8])
def test_p_is_the_integral_of_the_density(degrees):
    """The p-value is 1 minus the integral of the density over [-t, t]."""
    grid = np.linspace(0, 2.5, 20_001)
    constant = math.gamma((degrees + 1) / 2) / math.gamma(degrees / 2) / math.sqrt(degrees * math.pi)
    density = constant * (1 + grid**2 / degrees) ** (-(degrees + 1) / 2)
    inside = 2 * np.trapezoid(density, grid)
    assert two_sided_p(degrees, 2.5) == pytest.approx(1 - inside, abs=1e-8)


@pytest.mark.parametrize("degrees", [1, 2, 15, 16, 100, 2.5])
@pytest.mark.parametrize("t", [1e-6, 0.3, 2.0, 40.0])
def test_p_and_quantile_are_those_of_scipy_stats(degrees, t):
    """The survival function of SciPy's distribution gives the same p-value, and the quantile inverts p."""
    p = two_sided_p(degrees, t)
    assert p == pytest.approx(2 * stats.t.sf(t, degrees), rel=1e-12)
    assert two_sided_quantile(degrees, 0.95) == pytest.approx(stats.t.isf(0.025, degrees), rel=1e-12)
    assert two_sided_p(degrees, two_sided_quantile(degrees, 0.9)) == pytest.approx(0.1, rel=1e-12)


def test_p_of_one_and_two_degrees_by_hand():
    """With 1 degree p is 1 - 2 atan(t) / pi, with 2 degrees 1 - t / sqrt(2 + t²)."""
    assert two_sided_p(1, 3.0) == pytest.approx(1 - 2 * math.atan(3) / math.pi, abs=1e-12)
    assert two_sided_p(2, 3.0) == pytest.approx(1 - 3 / math.sqrt(11), abs=1e-12)


def test_p_at_the_ends():
    """Zero has p = 1, infinity has p = 0, and the sign does not matter."""
    assert two_sided_p(5, 0) == 1
    assert two_sided_p(5, math.inf) == 0
    assert two_sided_p(5, -2) == two_sided_p(5, 2)


@pytest.mark.parametrize(("degrees", "t", "message"), [(2, math.nan, "NaN"), (0, 1, "above 0")])
def test_impossible_t_values_are_refused(degrees, t, message):
    """NaN and zero degrees of freedom have no probability."""
    with pytest.raises(ValueError, match=message):
        two_sided_p(degrees, t)
    with pytest.raises(ValueError, match="must lie between"):
        two_sided_quantile(2, 1)


def test_quantile_is_students():
    """With 16 degrees of freedom 95 % lie within 2.1199 standard errors, with very many within 1.96."""
    result = additive_interval(10.0, 1.0, degrees=16)
    assert (result.low, result.high) == pytest.approx((10 - 2.1199, 10 + 2.1199), abs=1e-4)
    assert additive_interval(10.0, 1.0, degrees=1e9).high == pytest.approx(11.95996, abs=1e-4)


def test_multiplicative_interval_is_symmetric_in_ratios():
    """It reaches as many times below the estimate as above, and its error is in the number's unit."""
    result = multiplicative_interval(0.2, 0.1, degrees=16)
    assert result.high / 0.2 == pytest.approx(math.exp(0.21199), abs=1e-5)
    assert result.estimate / result.low == pytest.approx(result.high / result.estimate)
    assert result.standard_error == pytest.approx(0.02)


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
