"""What actors answer, and what the errors of Ray mean that come in place of an answer."""

from __future__ import annotations

from typing import Any, Final

from runner.sanitize import sanitize_line

CALL_SECONDS: Final = 60.0


class NodeRefusedError(Exception):
    """A node cannot be used.

    `is_temporary` if that is worth another try at once, `has_other_software` if what its devices still
    execute would not compare either.
    """

    def __init__(self, problem: str, *, is_temporary: bool = False, has_other_software: bool = False) -> None:
        super().__init__(problem)
        self.is_temporary, self.has_other_software = is_temporary, has_other_software


def answer(ray: Any, reference: Any, *, seconds: float = CALL_SECONDS) -> Any:  # noqa: ANN401 - Ray's, any value
    """Return the answer of an agent or a device.

    Raises:
        NodeRefusedError: there is none.
    """
    try:
        return ray.get(reference, timeout=seconds)
    except ray.exceptions.RayTaskError as error:
        raise NodeRefusedError(reason(error)) from error
    except ray.exceptions.GetTimeoutError as error:
        raise NodeRefusedError("it does not answer.", is_temporary=True) from error
    except ray.exceptions.RayError as error:
        raise NodeRefusedError(f"unlearn cannot be started there: {_line(error, -1)}") from error


def reason(error: BaseException) -> str:
    """Return what an actor raised, or the first line of what Ray says in its place."""
    cause = getattr(error, "cause", None)  # of what Ray raises for a call that failed in its actor
    return _line(cause if isinstance(cause, BaseException) else error, 0)


def _line(error: BaseException, position: int) -> str:
    """Return a line of an error's text, such as the first (0) or the last (-1)."""
    lines = str(error).strip().splitlines()
    return sanitize_line(lines[position] if lines else type(error).__name__, 300)
