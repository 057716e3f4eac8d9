"""A lease that is not renewed ends, with all processes that it covered."""

from __future__ import annotations

from runner.cluster.node.leases import Leases
from runner.cluster.orders import ProcessMark

ONE, TWO = ProcessMark(pid=1, created=10.0), ProcessMark(pid=2, created=20.0)


def test_a_lease_that_is_renewed_does_not_end() -> None:
    """It ends at its moment, once."""
    leases = Leases()
    leases.renew("mine", 10.0, [ONE])
    assert leases.expired(9.9) == []
    leases.renew("mine", 20.0, [ONE])
    assert leases.expired(19.9) == []
    assert leases.expired(20.0) == [ONE]
    assert leases.expired(100.0) == []


def test_each_coordinator_has_its_own() -> None:
    """One that dies ends no process of another."""
    leases = Leases()
    leases.renew("mine", 10.0, [ONE])
    leases.renew("yours", 30.0, [TWO])
    assert leases.expired(20.0) == [ONE]
    assert leases.release("yours") == (TWO,)
    assert leases.release("yours") == ()


def test_a_process_that_is_no_longer_named_stays_covered() -> None:
    """A coordinator that has given a device up may not have reached it: its process ends with the lease."""
    leases = Leases()
    leases.renew("mine", 10.0, [ONE])
    leases.renew("mine", 20.0, [TWO])
    assert leases.expired(20.0) == [ONE, TWO]
