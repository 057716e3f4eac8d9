"""How commands describe themselves: names of values in capitals, no types of Python, `-h` beside `--help`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

HELP_NAMES: Final = ["-h", "--help"]
_METAVARS: Final = {int: "N", float: "NUMBER", Path: "PATH", str: "TEXT"}


def _respect_no_color() -> None:
    """Write the help without escape codes under NO_COLOR: its library would leave bold and dim."""
    from typer import rich_utils  # noqa: PLC0415 - imports much; the help needs it anyway

    rich_utils.COLOR_SYSTEM = None if os.environ.get("NO_COLOR") else "auto"


class Command(TyperCommand):
    """A command whose help names values as its error messages do."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - click's own classes
        """Write the help."""
        _respect_no_color()
        super().format_help(ctx, formatter)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - typer's own parameters
        super().__init__(*args, **kwargs)
        if self.help:  # typer keeps line ends in all paragraphs but the first
            self.help = "\n\n".join(
                " ".join(part.split()) for part in inspect.cleandoc(self.help).split("\n\n")
            )
        for parameter in self.params:
            name_values(parameter)
            read_plainly(parameter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - click's own context
        """Return the words of the line of usage: ``[OPTIONS] PATH...``."""
        arguments = [parameter for parameter in self.params if isinstance(parameter, TyperArgument)]
        names = [(argument.display_name_raw, argument.required) for argument in arguments]
        return ["[OPTIONS]", *(name if required else f"[{name}]" for name, required in names)]

    def get_help_option(self, ctx: Any) -> TyperOption | None:  # noqa: ANN401 - click's own context
        """Return the option for help, which takes no value."""
        return _without_value(super().get_help_option(ctx))


class Group(TyperGroup):
    """A group of commands."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - click's own classes
        """Write the help."""
        _respect_no_color()
        super().format_help(ctx, formatter)

    def get_help_option(self, ctx: Any) -> TyperOption | None:  # noqa: ANN401 - click's own context
        """Return the option for help, which takes no value."""
        return _without_value(super().get_help_option(ctx))


def name_values(parameter: Any) -> None:  # noqa: ANN401 - click's own class is private
    """Give a parameter the name of its values: `N`, `PATH`, `cpu|cuda`; none to a flag."""
    if isinstance(parameter, TyperArgument):
        if parameter.metavar is None:
            parameter.metavar = parameter.name.upper()
        # Typer shows the type beside the name, and has no option to leave it out.
        vars(parameter)["display_type_rich"] = lambda ctx: None
    elif isinstance(parameter, TyperOption) and parameter.metavar is None:
        if parameter.is_flag:
            parameter.metavar = ""
        elif choices := parameter.type_descriptor.choices:
            parameter.metavar = "|".join(map(str, choices))
        else:
            annotation: Any = parameter.type_descriptor.annotation
            kinds = getattr(annotation, "__args__", None) or (annotation,)
            names = [_METAVARS[kind] for kind in kinds if kind in _METAVARS]
            parameter.metavar = names[0] if names else "TEXT"


class _PlainValue:
    """Reads a text, a path, a flag or a choice as typer does, without pydantic, whose import takes 0.1 s."""

    def __init__(self, read: Callable[[Any], Any], choices: tuple[Any, ...] | None) -> None:
        self._read, self._choices = read, choices

    def coerce(self, value: Any, *, param: Any = None, ctx: Any = None) -> Any:  # noqa: ANN401 - typer's method
        """Return the value of an option as its command takes it."""
        if value is None or isinstance(value, (bool, Path)):
            return value
        if self._choices is not None and value not in self._choices:
            choices = ", ".join(map(repr, self._choices))
            raise typer.BadParameter(f"{value!r} is not one of {choices}.", ctx=ctx, param=param)
        return self._read(value)


def read_plainly(parameter: Any) -> None:  # noqa: ANN401 - click's own class is private
    """Let a parameter whose values are single texts, paths, flags or choices be read without pydantic."""
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is None or parameter.nargs != 1 or getattr(parameter, "multiple", False):
        return
    annotation = descriptor.annotation
    kinds = {kind for kind in get_args(annotation) or (annotation,) if kind is not type(None)}
    choices = descriptor.choices
    if choices is not None and all(isinstance(choice, str) for choice in choices):
        plain = _PlainValue(str, choices)
    elif kinds in ({str}, {Path}) or (kinds == {bool} and parameter.is_flag and not parameter.envvar):
        plain = _PlainValue(kinds.pop(), None)
    else:
        return
    vars(parameter)["get_runtime_param"] = lambda: plain


def _without_value(option: TyperOption | None) -> TyperOption | None:
    if option is not None:
        option.metavar = ""
        read_plainly(option)
    return option
