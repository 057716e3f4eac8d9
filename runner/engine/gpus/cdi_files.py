"""Read the host's CDI specifications, and refuse a device whose specification adds more than a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from runner.engine.gpus.cdi_rules import KIND, advice, names_of, problems_of
from runner.engine.placement import GpuRequest
from runner.errors import HostNotReadyError

CDI_FOLDERS: Final = (Path("/etc/cdi"), Path("/var/run/cdi"))
"""Where engines look unless they are configured otherwise."""
_MAX_BYTES: Final = 4 << 20


def require_closed_cdi(request: GpuRequest | None, folders: Sequence[Path] = CDI_FOLDERS) -> None:
    """Check that a GPU that is requested by CDI adds nothing but devices and driver files to a container.

    Args:
        request: The GPU of a placement; only a request by CDI is checked.
        folders: Where the engine reads specifications.

    Raises:
        HostNotReadyError: a specification adds more, cannot be read, or names no such device.
    """
    if request is None or not request.by_cdi:
        return
    is_described = False
    for file, specification in _specifications(folders):
        if specification.get("kind") != KIND:
            continue
        is_described |= request.name == "all" or request.name in names_of(specification)
        if problems := problems_of(specification, request.name):
            raise HostNotReadyError(f"The CDI specification {file} is refused: {advice(problems)}")
    if not is_described:
        listed = " and ".join(map(str, folders))
        raise HostNotReadyError(
            f"No CDI specification in {listed} has the device {KIND}={request.name}, so what it adds to a "
            "container is not known. Write one: nvidia-ctk cdi generate --output /etc/cdi/nvidia.yaml"
        )


def _specifications(folders: Sequence[Path]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for folder in folders:
        try:
            files = sorted(file for file in folder.iterdir() if file.suffix in (".yaml", ".json"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise HostNotReadyError(f"The CDI folder {folder} cannot be read: {error.strerror}.") from error
        for file in files:
            yield file, _read(file)


def _read(file: Path) -> Mapping[str, Any]:
    """Return the content of a specification; JSON is YAML, too."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise HostNotReadyError(f"The CDI specification {file} is longer than {_MAX_BYTES >> 20} MiB.")
        content = YAML(typ="safe", pure=True).load(data.decode())
    except (OSError, UnicodeDecodeError, YAMLError, RecursionError) as error:
        reason = type(error).__name__
        raise HostNotReadyError(f"The CDI specification {file} cannot be read ({reason}).") from error
    if not isinstance(content, Mapping):
        raise HostNotReadyError(f"The CDI specification {file} is not a table.")
    return content
