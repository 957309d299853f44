"""The proxy of the environment, where a transport's library does not read it itself."""

from __future__ import annotations

import os


def upper_case_proxy(scheme: str) -> str | None:
    """Return HTTP_PROXY for an http: URL if it counts: libcurl reads the lower-case name alone, pip both.

    In a CGI program it does not count: there the variable is a header that any client can send.
    """
    if scheme != "http" or "http_proxy" in os.environ or "REQUEST_METHOD" in os.environ:
        return None
    return os.environ.get("HTTP_PROXY") or None
