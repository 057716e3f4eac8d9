"""The attack gallery under runc, the runs of a batch in one container."""

from __future__ import annotations

from typing import ClassVar

from runner.engine.placement import Isolation
from tests.support.gallery import GalleryClaims


class TestRuncProcess(GalleryClaims):
    """Every attack is contained, and the host is as it was."""

    runtime: ClassVar[str] = "runc"
    isolation: ClassVar[Isolation] = "process"
