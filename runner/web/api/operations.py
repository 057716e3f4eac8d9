"""For those who operate the service: does it work, and its figures."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from runner.web.context import Context
from runner.web.problems import PROBLEMS

router: Final = APIRouter(tags=["operations"], responses=PROBLEMS)


class Health(BaseModel):
    """The service works."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
def health(context: Context) -> Health:
    """Whether the service reaches its store."""
    context.store.paused_since(context.contest.name)
    return Health()
