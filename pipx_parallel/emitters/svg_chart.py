"""Charts as SVG text: bar charts and line charts. Pure functions without dependencies; the same input gives the same bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from xml.sax.saxutils import escape

from mirror.equality import NamedTuple

_COLOURS = ("#0b6fb8", "#c8501e", "#2c8a4b", "#8a4fa3", "#b58a00", "#5b6770", "#b02a5b", "#2aa3a3")
_STYLE = "text{font:13px sans-serif;fill:#222}.t{font-size:15px;font-weight:bold}.g{stroke:#ddd}.a{stroke:#444}"
_BAR, _GAP = 22, 10
_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 44, 52


class Axis(NamedTuple):
    """One axis of a line chart: its ends, and whether it is logarithmic."""

    low: float
    high: float
    log: bool

    def share(self, value: float) -> float:
        """Return the position of a value between the ends: 0 to 1."""
        low, high, position = map(math.log10, (self.low, self.high, value)) if self.log else (*self[:2], value)
        return (position - low) / (high - low)


def bar_chart(title: str, rows: Sequence[tuple[str, float]], unit: str) -> str:
    """Draw one horizontal bar per row ``(label, value)``, its value and ``unit`` written beside it.

    Values must not be negative. A value that is not finite is drawn as the word "none".
    """
    left = 20 + max((_text_width(label) for label, _ in rows), default=0)
    longest = max((value for _, value in rows if math.isfinite(value)), default=0) or 1.0
    available = _WIDTH - left - 110
    parts = [_text(16, 26, title, "t")]
    for index, (label, value) in enumerate(rows):
        top = 44 + index * (_BAR + _GAP)
        finite = math.isfinite(value)
        length = available * value / longest if finite else 0.0
        value_text = f"{_number(value)} {unit}".strip() if finite else "none"
        parts.append(_text(left - 8, top + 16, label, anchor="end"))
        parts.append(f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{_BAR}" fill="{_colour(index)}"/>')
        parts.append(_text(left + length + 6, top + 16, value_text))
    return _document(title, 52 + len(rows) * (_BAR + _GAP), parts)


def line_chart(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    log_x: bool,
    log_y: bool,
    labels: tuple[str, str],
) -> str:
    """Draw one line per series of ``(x, y)`` points; ``labels`` name the x and the y axis.

    Points that are not finite are omitted, and on a logarithmic axis points at or below zero.
    """
    lines = {name: _drawable(points, log_x=log_x, log_y=log_y) for name, points in series.items()}
    points = [point for line in lines.values() for point in line]
    x_axis, y_axis = _axis([x for x, _ in points], log=log_x), _axis([y for _, y in points], log=log_y)

    def to_pixels(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + x_axis.share(x) * (_WIDTH - _LEFT - _RIGHT)
        return across, _HEIGHT - _BOTTOM - y_axis.share(y) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_text(16, 26, title, "t"), *_grid(x_axis, y_axis, to_pixels, labels)]
    for index, (name, line) in enumerate(lines.items()):
        parts.extend(_line([to_pixels(x, y) for x, y in line], _colour(index)))
        top = _TOP + 12 + index * 20
        parts.append(f'<rect x="{_WIDTH - _RIGHT + 14}" y="{top - 9}" width="12" height="4" fill="{_colour(index)}"/>')
        parts.append(_text(_WIDTH - _RIGHT + 32, top - 2, name))
    return _document(title, _HEIGHT, parts)


def _drawable(points: Sequence[tuple[float, float]], *, log_x: bool, log_y: bool) -> list[tuple[float, float]]:
    finite = (point for point in points if all(math.isfinite(value) for value in point))
    return sorted((x, y) for x, y in finite if (x > 0 or not log_x) and (y > 0 or not log_y))


def _axis(values: Sequence[float], *, log: bool) -> Axis:
    """Return an axis that contains the values: from zero, or, if logarithmic, between round numbers."""
    if not log:
        return Axis(min(0.0, min(values, default=0.0)), max(values, default=1.0) or 1.0, log=False)
    low, high = _round_down(min(values, default=1.0)), _round_up(max(values, default=10.0))
    return Axis(low, high if high > low else low * 10, log=True)


def _ticks(axis: Axis) -> list[float]:
    """Return the values to mark: five equal steps, or on a logarithmic axis 1, 2 and 5 of each power of ten."""
    if not axis.log:
        return [axis.low + (axis.high - axis.low) * step / 5 for step in range(6)]
    powers = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    marks = (factor * 10.0**power for power in powers for factor in (1, 2, 5))
    return [mark for mark in marks if axis.low * 0.999 <= mark <= axis.high * 1.001]


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= value * 1.000001)


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return min(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * 0.999999)


def _grid(
    x_axis: Axis, y_axis: Axis, to_pixels: Callable[[float, float], tuple[float, float]], labels: tuple[str, str]
) -> list[str]:
    floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for tick in _ticks(x_axis):
        x, _ = to_pixels(tick, y_axis.low)
        parts.append(f'<line class="g" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{floor}"/>')
        parts.append(_text(x, floor + 18, _number(tick), anchor="middle"))
    for tick in _ticks(y_axis):
        _, y = to_pixels(x_axis.low, tick)
        parts.append(f'<line class="g" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 8, y + 4, _number(tick), anchor="end"))
    parts.append(f'<path class="a" fill="none" d="M{_LEFT} {_TOP}V{floor}H{right}"/>')
    middle = (_LEFT + right) / 2
    turned = f'<text transform="translate(16 {(_TOP + floor) / 2:.1f}) rotate(-90)" text-anchor="middle">'
    return [*parts, _text(middle, _HEIGHT - 12, labels[0], anchor="middle"), f"{turned}{escape(labels[1])}</text>"]


def _line(points: Sequence[tuple[float, float]], colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots]


def _document(title: str, height: int, parts: Sequence[str]) -> str:
    box = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img"><title>{escape(title)}</title>'
    background = f'<style>{_STYLE}</style><rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
    return "\n".join([head + background, *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, class_: str = "", *, anchor: str = "start") -> str:
    kind = f' class="{class_}"' if class_ else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _text_width(text: str) -> int:
    return 7 * len(text) + 8  # 13 px sans-serif: common text is not wider on average


def _number(value: float) -> str:
    """Return a number with three significant digits, without exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _colour(index: int) -> str:
    return _COLOURS[index % len(_COLOURS)]
