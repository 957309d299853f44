"""Charts as SVG text. Pure functions without dependencies; the same input gives the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

_COLOURS = ("#0b6fb8", "#c8501e", "#2c8a4b", "#8a4fa3", "#b58a00", "#5b6770", "#b02a5b", "#2aa3a3")
_STYLE = "text{font:13px sans-serif;fill:#222}.t{font-size:15px;font-weight:bold}.g{stroke:#ddd}.a{stroke:#444}"
_BAR, _GAP = 22, 10
WIDTH = 720


def bar_chart(title: str, rows: Sequence[tuple[str, float]], unit: str) -> str:
    """Draw one horizontal bar per row ``(label, value)``, its value and ``unit`` written beside it.

    Values must not be negative. A value that is not finite is drawn as the word "none".
    """
    left = 20 + max((_text_width(label) for label, _ in rows), default=0)
    longest = max((value for _, value in rows if math.isfinite(value)), default=0) or 1.0
    available = WIDTH - left - 110
    parts = [text_at(16, 26, title, "t")]
    for index, (label, value) in enumerate(rows):
        top = 44 + index * (_BAR + _GAP)
        finite = math.isfinite(value)
        length = available * value / longest if finite else 0.0
        value_text = f"{number_text(value)} {unit}".strip() if finite else "none"
        parts.append(text_at(left - 8, top + 16, label, anchor="end"))
        parts.append(f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{_BAR}" fill="{colour(index)}"/>')
        parts.append(text_at(left + length + 6, top + 16, value_text))
    return document(title, 52 + len(rows) * (_BAR + _GAP), parts)


def document(title: str, height: int, parts: Sequence[str]) -> str:
    """Return a chart of these parts."""
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img"><title>{escape(title)}</title>'
    background = f'<style>{_STYLE}</style><rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    return "\n".join([head + background, *parts, "</svg>", ""])


def text_at(x: float, y: float, text: str, class_: str = "", *, anchor: str = "start") -> str:
    """Return a text at a position."""
    kind = f' class="{class_}"' if class_ else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _text_width(text: str) -> int:
    return 7 * len(text) + 8  # 13 px sans-serif: common text is not wider on average


def number_text(value: float) -> str:
    """Return a number with three significant digits, without exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def colour(index: int) -> str:
    """Return the colour of the bar or line with this number."""
    return _COLOURS[index % len(_COLOURS)]
