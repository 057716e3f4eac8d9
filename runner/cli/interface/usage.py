"""A command that was typed wrongly: one sentence, in the form that all errors of `unlearn` have."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.validation import plain_message


def usage_sentence(error: Any, words: Sequence[str] | None = None) -> str:  # noqa: ANN401 - typer's class is private
    """Return what is wrong with a command, and where its help is.

    Args:
        error: What typer raised: it has a message, perhaps a parameter, and the context of the command.
        words: The words that were typed; those of this process by default.
    """
    parameter = getattr(error, "param", None)
    message = str(error.message)
    if parameter is not None and message:
        hint = (
            " / ".join(parameter.opts)
            if parameter.param_type_name == "option"
            else parameter.display_name_raw
        )
        sentence = f"{hint}: {plain_message(message)}"
    else:
        sentence = error.format_message()
    sentence = sentence.strip().rstrip(".")
    if files := _files_like_options(sys.argv[1:] if words is None else words):
        sentence += f". {files[0]} is a file: type ./{files[0]}, or -- before the names of files"
    context = getattr(error, "ctx", None)
    sentence += "" if sentence.endswith("?") else "."
    return f"{sentence} See: {context.command_path} --help" if context is not None else sentence


def _files_like_options(words: Sequence[str]) -> list[str]:
    """Return the words before ``--`` that look like options, and are files in the current folder."""
    names = list(words)[: list(words).index("--")] if "--" in words else words
    return [name for name in names if name.startswith("-") and name != "-" and Path(name).is_file()]
