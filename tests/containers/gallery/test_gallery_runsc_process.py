"""The attack gallery under gVisor, the runs of a batch in one container."""

from __future__ import annotations

from typing import ClassVar

from runner.engine.placement import Isolation
from tests.support.gallery import GalleryClaims


class TestRunscProcess(GalleryClaims):
    """Every attack is contained, and the host is as it was."""

    runtime: ClassVar[str] = "runsc"
    isolation: ClassVar[Isolation] = "process"
