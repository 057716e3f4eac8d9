"""The command reference, from the command line interface itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from typer.core import TyperArgument, TyperOption

from runner.cli.interface.exit_codes import EXIT_CODES
from runner.cli.interface.panels import HIDDEN, PANELS
from runner.cli.lazy import LazyCommand
from runner.cli.main import command_group
from website.tables import table

_INTRODUCTION: Final = """\
`unlearn COMMAND --help` prints the same in a terminal. Every command has `-h` and `--help`,
and `--quiet` (`-q`), which shows no progress and no notes. Results go to stdout, progress to stderr.
Wherever an EVALUATION is named, type the beginning of its name, its submission's name or path, or `last`.
A variable in the column *default* is read where the option is not typed.
"""


def commands_page() -> str:
    """Return the page: exit codes, then each command with its arguments and options."""
    group = command_group()
    parts = [
        "# Commands\n",
        _INTRODUCTION,
        "## Exit codes\n",
        table(["exit code", "meaning"], [(str(code), meaning) for code, meaning in EXIT_CODES.items()]),
        "[For organizers](../organizers.md#when-something-stops) says what to do about each.\n",
        "## All commands\n",
        table(
            ["for", "command", "what it does"],
            [
                (PANELS.get(name.split()[1], ""), f"[`{name}`](#{name.replace(' ', '-')})", _summary(command))
                for name, command in all_commands(group)
                if name.split()[1] not in HIDDEN
            ],
        ),
        "## `unlearn`\n",
        "```text\nunlearn [OPTIONS] COMMAND\n```\n",
        _options(group),
        *(_section(name, command) for name, command in all_commands(group)),
    ]
    return "\n".join(parts)


def all_commands(group: Any, name: str = "unlearn") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's own
    """Yield each command that does something, with its full name and its parameters."""
    for word, command in group.commands.items():
        full_name = f"{name} {word}"
        if isinstance(command, LazyCommand):
            yield full_name, command.load()
        else:
            yield from all_commands(command, full_name)


def _summary(command: Any) -> str:  # noqa: ANN401 - typer's own
    return str(command.help).split("\n\n", maxsplit=1)[0]


def _section(name: str, command: Any) -> str:  # noqa: ANN401 - typer's own
    usage = " ".join([name, *command.collect_usage_pieces(None)])
    arguments = [parameter for parameter in command.params if isinstance(parameter, TyperArgument)]
    rows = [(f"`{item.display_name_raw}`", item.help or "") for item in arguments]
    parts = [
        f"## `{name}`\n",
        f"{str(command.help).strip()}\n",
        f"```text\n{usage}\n```\n",
        table(["argument", "meaning"], rows),
        _options(command),
    ]
    return "\n".join(part for part in parts if part)


def _options(command: Any) -> str:  # noqa: ANN401 - typer's own
    options = [
        parameter
        for parameter in command.params
        if isinstance(parameter, TyperOption) and not parameter.hidden and parameter.name != "quiet"
    ]
    rows = [(_names(option), _value(option), _default(option), option.help or "") for option in options]
    return table(["option", "value", "default", "meaning"], rows)


def _names(option: TyperOption) -> str:
    return ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])


def _value(option: TyperOption) -> str:
    """Return the name of the option's values, and their range."""
    if option.is_flag:
        return ""
    low, high = option.min, option.max
    bounds = [f"at least {low:g}"] if low is not None else []
    bounds += [f"at most {high:g}"] if high is not None else []
    names = [f"`{name}`" for name in str(option.metavar).split("|")]
    return ", ".join([" or ".join(names), *bounds])


def _default(option: TyperOption) -> str:
    words = []
    if option.required:
        words.append("required")
    elif option.is_flag and option.secondary_opts:
        words.append(f"`{(option.opts if option.default else option.secondary_opts)[0]}`")
    elif not option.is_flag and option.show_default and option.default not in (None, ""):
        words.append(f"`{option.default}`")
    if option.envvar:
        words.append(f"`${option.envvar}`")
    return ", or ".join(words)
