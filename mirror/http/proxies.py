"""The proxy of the environment, for a transport whose library does not read it."""

from __future__ import annotations

import os


def upper_case_proxy(scheme: str) -> str | None:
    """Return HTTP_PROXY for an http: URL: libcurl reads only the lower-case name, pip reads both.

    It is ignored in a CGI program: there any client can set the variable with a header.
    """
    if scheme != "http" or "http_proxy" in os.environ or "REQUEST_METHOD" in os.environ:
        return None
    return os.environ.get("HTTP_PROXY") or None
