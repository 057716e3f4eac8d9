"""How commands describe themselves: names of values in capitals, no types of Python, `-h` beside `--help`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

HELP_NAMES: Final = ["-h", "--help"]
_METAVARS: Final = {int: "N", float: "NUMBER", Path: "PATH", str: "TEXT"}


class Command(TyperCommand):
    """A command whose help names values as its error messages do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - typer's own parameters
        super().__init__(*args, **kwargs)
        for parameter in self.params:
            name_values(parameter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - click's own context
        """Return the words of the line of usage: ``[OPTIONS] SUBMISSION...``."""
        arguments = [parameter for parameter in self.params if isinstance(parameter, TyperArgument)]
        names = [(argument.display_name_raw, argument.required) for argument in arguments]
        return ["[OPTIONS]", *(name if required else f"[{name}]" for name, required in names)]

    def get_help_option(self, ctx: Any) -> TyperOption | None:  # noqa: ANN401 - click's own context
        """Return the option for help, which takes no value."""
        return _without_value(super().get_help_option(ctx))


class Group(TyperGroup):
    """A group of commands."""

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


def _without_value(option: TyperOption | None) -> TyperOption | None:
    if option is not None:
        option.metavar = ""
    return option
