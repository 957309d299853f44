"""Line charts as SVG text, for the curves of a report. Both axes are logarithmic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from pipx_parallel.emitters.svg_chart import WIDTH, colour, document, number_text, text_at

_HEIGHT = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 44, 52


class Axis(NamedTuple):
    """One axis: its ends."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Return the position of a value between the ends: 0 to 1."""
        return math.log(value / self.low) / math.log(self.high / self.low)


def line_chart(title: str, series: Mapping[str, Sequence[tuple[float, float]]], labels: tuple[str, str]) -> str:
    """Draw one line per series of ``(x, y)`` points; ``labels`` name the x and the y axis.

    Points that are not finite, or not above zero, are omitted.
    """
    lines = {name: _drawable(points) for name, points in series.items()}
    points = [point for line in lines.values() for point in line]
    x_axis, y_axis = _axis([x for x, _ in points]), _axis([y for _, y in points])

    def to_pixels(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + x_axis.share(x) * (WIDTH - _LEFT - _RIGHT)
        return across, _HEIGHT - _BOTTOM - y_axis.share(y) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [text_at(16, 26, title, "t"), *_grid(x_axis, y_axis, to_pixels, labels)]
    for index, (name, line) in enumerate(lines.items()):
        parts.extend(_line([to_pixels(x, y) for x, y in line], colour(index)))
        top = _TOP + 12 + index * 20
        parts.append(f'<rect x="{WIDTH - _RIGHT + 14}" y="{top - 9}" width="12" height="4" fill="{colour(index)}"/>')
        parts.append(text_at(WIDTH - _RIGHT + 32, top - 2, name))
    return document(title, _HEIGHT, parts)


def _drawable(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return sorted(point for point in points if all(math.isfinite(value) and value > 0 for value in point))


def _axis(values: Sequence[float]) -> Axis:
    """Return an axis between round numbers that contains the values."""
    low, high = _round_down(min(values, default=1.0)), _round_up(max(values, default=10.0))
    return Axis(low, high if high > low else low * 10)


def _ticks(axis: Axis) -> list[float]:
    """Return the values to mark: 1, 2 and 5 of each power of ten."""
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
    floor, right = _HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for tick in _ticks(x_axis):
        x, _ = to_pixels(tick, y_axis.low)
        parts.append(f'<line class="g" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{floor}"/>')
        parts.append(text_at(x, floor + 18, number_text(tick), anchor="middle"))
    for tick in _ticks(y_axis):
        _, y = to_pixels(x_axis.low, tick)
        parts.append(f'<line class="g" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        parts.append(text_at(_LEFT - 8, y + 4, number_text(tick), anchor="end"))
    parts.append(f'<path class="a" fill="none" d="M{_LEFT} {_TOP}V{floor}H{right}"/>')
    middle = (_LEFT + right) / 2
    turned = f'<text transform="translate(16 {(_TOP + floor) / 2:.1f}) rotate(-90)" text-anchor="middle">'
    return [*parts, text_at(middle, _HEIGHT - 12, labels[0], anchor="middle"), f"{turned}{escape(labels[1])}</text>"]


def _line(points: Sequence[tuple[float, float]], stroke: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{stroke}"/>' for x, y in points]
    return [f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="2"/>', *dots]
