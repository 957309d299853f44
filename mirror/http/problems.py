"""Errors of HTTP libraries -> one sentence for the user. Matches class names, so that it loads no HTTP library."""

from __future__ import annotations

import os

from mirror.equality import NamedTuple
from mirror.ports import ProblemKind


class Problem(NamedTuple):
    """Why a request failed: a sentence for the user, and its kind for decisions."""

    sentence: str
    kind: ProblemKind = ProblemKind.PASSING


class TransferFailed(OSError):
    """A transport gave up a request; ``problem`` is the reason."""

    def __init__(self, problem: Problem) -> None:
        """Take the problem; its sentence is the message."""
        super().__init__(problem.sentence)
        self.problem = problem


def too_large(limit: int | None) -> Problem:
    """Return the problem of an answer past its request's limit."""
    return Problem(f"the answer is larger than {limit} bytes", ProblemKind.TOO_LARGE)


def not_stored(error: OSError) -> Problem:
    """Return the problem of a body for which there is no space on this machine's disk."""
    return Problem(f"the answer cannot be stored here: {error.strerror or error}", ProblemKind.UNSENDABLE)


def unreadable_certificate(error: OSError) -> Problem:
    """Return the problem of a CA bundle or client certificate that cannot be read."""
    return Problem(f"a certificate file cannot be read: {error.strerror or error}", ProblemKind.TLS)


REDIRECTS = Problem("too many redirects", ProblemKind.REDIRECTS)
CANCELLED = Problem("cancelled", ProblemKind.CANCELLED)
CLOSED = Problem("the transport is closed", ProblemKind.CANCELLED)
NO_ADDRESS = Problem("the request cannot be sent: it is no address of the web", ProblemKind.UNSENDABLE)

# Innermost names first: urllib3 wraps its errors in one another, and requests wraps them again.
_TLS_ERRORS = ("SSLError", "SSLCertVerificationError", "ClientConnectorCertificateError")
_SENTENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("DecodeError", "ContentDecodingError", "ContentEncodingError"), "the answer cannot be unpacked"),
    (
        ("IncompleteRead", "ContentLengthError", "TransferEncodingError", "ClientPayloadError"),
        "the answer was cut short",
    ),
    (
        _TLS_ERRORS,
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


def problem_of(error: BaseException, url: str) -> Problem:
    """Return an error as one sentence, with the host but never with a URL, which may hold a secret."""
    from urllib.parse import urlsplit  # 9 ms; only if a request failed

    host = urlsplit(url).netloc.rpartition("@")[2]
    causes = _causes(error)
    classes = [type(cause).__name__ for cause in causes]
    for names, sentence in _SENTENCES:
        if any(name in names for name in classes):
            kind = ProblemKind.TLS if names is _TLS_ERRORS else ProblemKind.PASSING
            return Problem(sentence.format(host=host), kind)
    # The errno's text, not the error's: the latter may quote a proxy URL with a password.
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and type(cause.errno) is int]
    reason = os.strerror(numbers[0]) if numbers else classes[-1]
    return Problem(f"cannot talk to {host}: {reason}")


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error with all it wraps: causes, contexts, and errors among its arguments."""
    causes: list[BaseException] = []
    queue = [error]
    while queue:
        cause = queue.pop(0)
        if cause in causes:
            continue
        causes.append(cause)
        inner = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        queue += [wrapped for wrapped in inner if isinstance(wrapped, BaseException)]
    return causes
