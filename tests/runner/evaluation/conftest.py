"""The fixture of an evaluation that has ended."""

from tests.runner.results.conftest import ended, ended_template

__all__ = ["ended", "ended_template"]
