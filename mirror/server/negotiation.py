"""Accept header -> content type (RFC 9110, section 12.5.1; PEP 691, content negotiation). Pure."""

from __future__ import annotations

from mirror.records.simple_serialize import HTML_TYPE, JSON_TYPE, LEGACY_TYPE

_ALIASES = {
    JSON_TYPE: JSON_TYPE,
    "application/vnd.pypi.simple.latest+json": JSON_TYPE,
    HTML_TYPE: HTML_TYPE,
    "application/vnd.pypi.simple.latest+html": HTML_TYPE,
    LEGACY_TYPE: LEGACY_TYPE,
    "text/*": LEGACY_TYPE,
    "application/*": JSON_TYPE,
    "*/*": LEGACY_TYPE,  # PEP 691: a client without a preference is an old one
}
_PREFERENCE = (JSON_TYPE, HTML_TYPE, LEGACY_TYPE)
_MOST = 50  # parts of an Accept header that are read


def page_type(accept: str | None) -> str | None:
    """Return the content type of a page, or None if the client accepts none of them (406).

    JSON comes first among types of equal quality: it is complete, and cheaper to parse.
    """
    if accept is None or not accept.strip():
        return LEGACY_TYPE
    best: tuple[float, int] | None = None
    for part in accept.split(",")[:_MOST]:
        name, *parameters = [word.strip() for word in part.split(";")]
        kind = _ALIASES.get(name.lower())
        quality = _quality(parameters)
        if kind is None or quality <= 0:
            continue
        rank = (quality, -_PREFERENCE.index(kind))
        if best is None or rank > best:
            best = rank
    return None if best is None else _PREFERENCE[-best[1]]


def accepts_gzip(header: str | None) -> bool:
    """Return whether the client accepts gzip."""
    for part in (header or "").split(",")[:_MOST]:
        name, *parameters = [word.strip().lower() for word in part.split(";")]
        if name in {"gzip", "x-gzip", "*"} and _quality(parameters) > 0:
            return True
    return False


def matches(header: str | None, etag: str) -> bool:
    """Return whether If-None-Match names the entity tag (weak comparison, RFC 9110, section 13.1.2)."""
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in (header or "").split(","))


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
