"""Errors of HTTP libraries -> one sentence for the user. Goes by class names, so that it loads no HTTP library."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

# Innermost names first: urllib3 wraps its errors in one another, and requests wraps them again.
_SENTENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("DecodeError", "ContentDecodingError", "ContentEncodingError"), "the answer cannot be unpacked"),
    (
        ("IncompleteRead", "ContentLengthError", "TransferEncodingError", "ClientPayloadError"),
        "the answer was cut short",
    ),
    (
        ("SSLError", "SSLCertVerificationError", "ClientConnectorCertificateError"),
        "the certificate or encryption of {host} was not accepted",
    ),
    (
        ("ProxyError", "ClientProxyConnectionError", "ClientHttpProxyError"),
        "the proxy cannot be reached or refuses to help",
    ),
    (("NameResolutionError", "gaierror"), "there is no host called {host}"),
    (
        (
            "ConnectTimeoutError",
            "ConnectTimeout",
            "ReadTimeoutError",
            "ReadTimeout",
            "TimeoutError",
            "ConnectionTimeoutError",
            "SocketTimeoutError",
            "ServerTimeoutError",
        ),
        "timed out",
    ),
    (
        ("ConnectionResetError", "RemoteDisconnected", "BrokenPipeError", "ServerDisconnectedError"),
        "{host} closed the connection",
    ),
)


def in_words(error: BaseException, url: str) -> str:
    """Say what went wrong in one sentence, with the host but never with a URL, which may hold a secret."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    causes = _causes(error)
    kinds = [type(cause).__name__ for cause in causes]
    for names, sentence in _SENTENCES:
        if any(kind in names for kind in kinds):
            return sentence.format(host=host)
    # By number, not by text: the text of an error may be anything, a proxy's URL with its password among it.
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and type(cause.errno) is int]
    reason = os.strerror(numbers[0]) if numbers else kinds[-1]
    return f"cannot talk to {host}: {reason}"


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error with all it wraps: causes, contexts, and errors among its arguments."""
    found: list[BaseException] = []
    queue = [error]
    while queue:
        one = queue.pop(0)
        if one in found:
            continue
        found.append(one)
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        queue += [cause for cause in inner if isinstance(cause, BaseException)]
    return found
