"""TOML 1.0 values as text, strictly escaped. The tests read every value back with ``tomllib``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Patterns are strings, compiled on first use (0.3 ms each): nearly no string of a lock needs them.
_BARE_KEY = r"[A-Za-z0-9_-]+"
_UNSAFE = '[\x00-\x1f"\\\\\x7f\ud800-\udfff]'
_NOT_LITERAL = "['\x00-\x1f\x7f\ud800-\udfff]"
_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def string(text: str) -> str:
    """Return a string value: basic, or literal if that avoids escapes. A lone surrogate becomes U+FFFD."""
    if text.isprintable() and '"' not in text and "\\" not in text:  # surrogates and controls are not printable
        return f'"{text}"'
    if re.search(_UNSAFE, text) and not re.search(_NOT_LITERAL, text):
        return f"'{text}'"
    return _basic(text)


def key(text: str) -> str:
    """Return a key: bare if TOML allows it, else a quoted string."""
    plain = text.isascii() and (text.isalnum() or re.fullmatch(_BARE_KEY, text))
    return text if plain else _basic(text)


def strings(texts: Iterable[str]) -> str:
    """Return a one-line array of strings."""
    return f"[{', '.join(map(string, texts))}]"


def inline_table(items: Iterable[tuple[str, str]]) -> str:
    """Return an inline table; the values are already TOML text."""
    body = ", ".join([f"{key(name)} = {value}" for name, value in items])
    return f"{{ {body} }}" if body else "{}"


def string_table(items: Iterable[tuple[str, str]]) -> str:
    """Return an inline table of string values."""
    return inline_table([(name, string(value)) for name, value in items])


def block_array(values: Iterable[str]) -> str:
    """Return an array of rendered values, one per line for readable diffs; a single value stays on one line."""
    listed = list(values)
    if len(listed) <= 1:
        return f"[{''.join(listed)}]"
    return "[\n" + "".join([f"    {value},\n" for value in listed]) + "]"


def _basic(text: str) -> str:
    return '"' + re.sub(_UNSAFE, _escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return _SHORT.get(character) or f"\\u{ord(character):04X}"
