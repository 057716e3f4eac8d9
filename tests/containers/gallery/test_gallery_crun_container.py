"""The attack gallery under crun, a container for each run."""

from __future__ import annotations

from typing import ClassVar

from runner.engine.placement import Isolation
from tests.support.gallery import GalleryClaims


class TestCrunContainer(GalleryClaims):
    """Every attack is contained, and the host is as it was."""

    runtime: ClassVar[str] = "crun"
    isolation: ClassVar[Isolation] = "container"
