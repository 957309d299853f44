"""How much foreign text may hold. Each bound is far above what any real project is known to have.

Past a bound the text is ``Malformed``: a fault of the one project that it belongs to. docs/mirror-format.md lists them.
JSON may be nested as deeply as the readers bear (about 1,000 levels); what they refuse is ``Malformed`` likewise.
"""

from __future__ import annotations

PAGE_BYTES = 64 * 1024 * 1024  # of a project page, decompressed
PAGE_VALUES = 3_000_000  # commas in a page of JSON: at most so many values
PAGE_FILES = 250_000  # links of a page in HTML
TAG_CHARACTERS = 64 * 1024  # of the attributes of one HTML tag
METADATA_BYTES = 16 * 1024 * 1024  # of one METADATA or PKG-INFO file
REQUIREMENTS = 10_000  # Requires-Dist lines of one release; likewise Provides-Extra
REQUIREMENT_CHARACTERS = 32 * 1024  # of one requirement
REQUIREMENT_EXTRAS = 500  # extras that one requirement names
SPECIFIER_CLAUSES = 2_000  # of one specifier set
VERSION_CHARACTERS = 512  # of one version, and so digits of one number; Python itself refuses 4,301
ERROR_CHARACTERS = 4_000  # of one message that quotes foreign text


def shortened(text: str) -> str:
    """Return a text of at most ``ERROR_CHARACTERS``, and a few that say how many were left out of its middle."""
    if len(text) <= ERROR_CHARACTERS:
        return text
    tail = ERROR_CHARACTERS // 4
    head = ERROR_CHARACTERS - tail
    return f"{text[:head]} … ({len(text) - ERROR_CHARACTERS:,} characters left out) … {text[-tail:]}"
