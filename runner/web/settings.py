"""How the web service is set up: options of the command line, checked once."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from runner.errors import ConfigurationError
from runner.units import MIB

_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """What the service must know besides the competition.

    Raises:
        ConfigurationError: the origin is no origin, or is not encrypted and not of this machine.
    """

    origin: str
    """Where browsers find it, such as ``https://contest.example``: never taken from a request."""
    host: str = "127.0.0.1"
    """Address on which it listens."""
    port: int = 8000
    """0: any that is free."""
    behind_proxy: bool = False
    """Whether a proxy on this machine states the addresses of clients."""
    uploads_per_minute: int = 120
    """Attempts of a team to hand in, whatever comes of them."""
    failed_logins: int = 20
    """With tokens that are none, of an address in ten minutes; correct tokens are always taken."""
    header_seconds: float = 20.0
    """Until the headers of a request must be complete."""
    body_grace_seconds: float = 20.0
    """Which a body may take in any case."""
    body_bytes_per_second: float = 4096.0
    """The least speed of a body after that, on average."""
    connections: int = 512
    """Open at once; further ones are refused."""
    spare_bytes: int = 512 * MIB
    """Of the disk, which uploads leave free."""

    def __post_init__(self) -> None:
        """Check the origin."""
        parts = urlsplit(self.origin)
        try:
            is_origin = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            is_origin = False
        if (
            not is_origin
            or self.origin != f"{parts.scheme}://{parts.netloc.lower()}"
            or "@" in parts.netloc
            or parts.port == _PORTS[parts.scheme]
        ):
            raise ConfigurationError(
                f"--origin {self.origin!r} is no origin; write it as browsers send it: https://contest.example"
            )
        if parts.scheme == "http" and not is_local(self.hostname):
            raise ConfigurationError(
                f"--origin {self.origin} is not encrypted, so tokens could be read on the way; put a "
                "proxy with TLS before it (docs/serve.md) and write https://"
            )

    @property
    def hostname(self) -> str:
        """Return the name of the host in the origin."""
        return urlsplit(self.origin).hostname or ""

    @property
    def is_encrypted(self) -> bool:
        """Return whether browsers speak TLS; cookies with the prefix ``__Host-`` need it."""
        return self.origin.startswith("https://")

    @property
    def allowed_hosts(self) -> list[str]:
        """Return the names by which requests may address the service."""
        return list(dict.fromkeys((self.hostname, "127.0.0.1", "localhost", "[::1]")))


def is_local(host: str) -> bool:
    """Return whether a name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
