"""Decode the bytes of a requirements file by the rules of pip's documentation ("Requirements File Format", encoding)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipx_parallel.requirements.refusal import quoted, refusal

if TYPE_CHECKING:
    from pipx_parallel.model import Origin

# The four-byte marks come first: the mark of UTF-16 LE is a prefix of that of UTF-32 LE.
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
)
_DECLARATION = rb"coding[:=]\s*([-\w.]+)"  # compiled on first use


def decode(data: bytes, origin: Origin) -> str:
    """Return the text: by its byte order mark, else its PEP 263 declaration in the first two lines, else as UTF-8.

    Raises ``RequirementsError`` for an unknown encoding and for bytes that are not valid in it. Unlike in pip there is no
    fallback to the locale's encoding: the text would depend on the machine.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding, "its byte order mark", origin)
    if data.startswith(b"#") or b"\n#" in data[:400]:
        for number, line in enumerate(data.split(b"\n")[:2], start=1):
            match = re.search(_DECLARATION, line) if line.startswith(b"#") else None
            if match:
                return _decode(data, match[1].decode("ascii", "replace"), f"line {number}", origin)
    return _decode(data, "utf-8", "", origin)


def _decode(data: bytes, encoding: str, source: str, origin: Origin) -> str:
    try:
        return data.decode(encoding)
    except LookupError:
        raise refusal(
            origin, f"unknown encoding {quoted(encoding)} in {source}", "name one that Python supports, such as utf-8"
        ) from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        stated = f"{encoding}, which {source} declares" if source else "UTF-8"
        raise refusal(
            origin._replace(line=line),
            f"the bytes are not {stated} (byte {error.start + 1})",
            "save the file as UTF-8, or name its encoding in the first line: # -*- coding: latin-1 -*-",
        ) from None
    except UnicodeError as error:
        raise refusal(origin, f"cannot be decoded as {encoding}: {error}", "save the file as UTF-8") from None
