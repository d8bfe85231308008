"""Which addresses of the network a link may lead to: public ones, never this machine or its neighbours."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

from studio.errors import BadInput

NAT64 = IPv6Network("64:ff9b::/96")
MAX_URL_CHARS = 4096
EXAMPLE = "Give the address of a page with a video, such as https://example.org/watch?v=1."


def check_url(url: str, *, allow_private: bool = False) -> str:
    """Return `url` if it may be fetched.

    Every address that its host resolves to must be public.

    Args:
        url: What the user typed.
        allow_private: Let it lead into private networks; for tests, and never from a user's wish.

    Raises:
        BadInput: if not, with the reason.
    """
    text = url.strip()
    if len(text) > MAX_URL_CHARS or any(c.isspace() or not c.isprintable() for c in text):
        raise BadInput(f"{text[:80]!r} is no link", remedy=EXAMPLE)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"{text[:80]!r} is no link ({error})", remedy=EXAMPLE) from error
    host = _host(parts, text)
    if not allow_private:
        for address in _resolved(host, port or 443):
            if not is_public(address):
                raise BadInput(
                    f"{host} leads to {address}, which is no public address",
                    remedy="Only links into the open internet are fetched; upload the file instead.",
                )
    return text


def without_login(url: str) -> str:
    """Return an address as it may be shown and logged: without a user name and password in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the open internet; what is no address does not."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = _embedded(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.scope_id is not None or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    low = int(ip) & 0xFFFFFFFF
    if ip in NAT64 or (int(ip) >> 32 == 0 and low > 1):  # NAT64, and the old "::a.b.c.d"
        return IPv4Address(low)
    return None


def _host(parts: SplitResult, text: str) -> str:
    if parts.scheme not in {"http", "https"}:
        kind = f"a link with {parts.scheme}:" if parts.scheme else f"{text[:80]!r}"
        raise BadInput(f"{kind} cannot be fetched, only http and https", remedy=EXAMPLE)
    if parts.username is not None or parts.password is not None:
        raise BadInput(
            "the link holds a user name or password",
            remedy="Download the file yourself and upload it here.",
        )
    if not parts.hostname:
        raise BadInput(f"{text[:80]!r} names no host", remedy=EXAMPLE)
    return parts.hostname


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadInput(
            f"the host {host} of the link cannot be found",
            remedy="Check the link, and whether this machine may reach the internet.",
        ) from error
    return [str(entry[4][0]) for entry in found]
