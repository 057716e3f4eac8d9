"""The attack gallery under runc, a container for each run."""

from __future__ import annotations

from typing import ClassVar

from runner.engine.placement import Isolation
from tests.support.gallery import GalleryClaims


class TestRuncContainer(GalleryClaims):
    """Every attack is contained, and the host is as it was."""

    runtime: ClassVar[str] = "runc"
    isolation: ClassVar[Isolation] = "container"
