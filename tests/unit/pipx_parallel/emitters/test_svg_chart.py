"""Charts are valid XML, show every row and series, and stay inside their frame."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from pipx_parallel.emitters.svg_chart import bar_chart, line_chart

_SVG = "{http://www.w3.org/2000/svg}"


def _parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own output


def _texts(text: str) -> list[str]:
    return [element.text or "" for element in _parse(text).iter(f"{_SVG}text")]


def _bars(text: str) -> list[float]:
    return [float(bar.attrib["width"]) for bar in _parse(text).iter(f"{_SVG}rect")][1:]  # the first is the paper


def test_bars_are_as_long_as_their_values() -> None:
    """The longest fills the room, the others are in proportion."""
    first, second, third = _bars(bar_chart("t", [("a", 4.0), ("b", 1.0), ("c", 0.0)], "s"))

    assert first == pytest.approx(4 * second, abs=0.3)
    assert third == 0


def test_every_bar_says_its_label_and_value_with_the_unit() -> None:
    """Three digits that count."""
    texts = _texts(bar_chart("Cold", [("ours", 0.6449), ("other", 1234.5)], "s"))

    assert texts == ["Cold", "ours", "0.645 s", "other", "1,234 s"]


def test_markup_in_labels_is_escaped() -> None:
    """A label is text, whatever is in it."""
    texts = _texts(bar_chart("a < b & c", [('<script>"', 1.0)], "<s>"))

    assert texts == ["a < b & c", '<script>"', "1 <s>"]


@pytest.mark.parametrize("rows", [[], [("a", 0.0)], [("a", math.inf)], [("a", math.nan), ("b", 1.0)]])
def test_bar_charts_of_nothing_much_are_still_charts(rows: list[tuple[str, float]]) -> None:
    """No row, only zeros, or values that are none."""
    assert len(_bars(bar_chart("t", rows, "s"))) == len(rows)


def test_a_power_law_is_a_straight_line_on_logarithmic_axes() -> None:
    """Equal factors are equal distances."""
    chart = line_chart("t", {"a": [(10, 1), (100, 10), (1000, 100)]}, log_x=True, log_y=True, labels=("n", "s"))

    (line,) = _parse(chart).iter(f"{_SVG}polyline")
    (x1, y1), (x2, y2), (x3, y3) = (tuple(map(float, point.split(","))) for point in line.attrib["points"].split())
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)
    assert y1 > y3  # SVG counts downwards


@pytest.mark.parametrize(("log_x", "log_y"), [(False, False), (True, False), (False, True), (True, True)])
def test_points_stay_inside_the_frame_and_impossible_ones_are_left_out(*, log_x: bool, log_y: bool) -> None:
    """Zero has no place on a logarithmic axis, infinity nowhere."""
    series = {"a & b": [(0.0, 3.0), (5.0, 0.0), (7.0, math.inf), (2.0, 0.37)], "one": [(3.0, 3.0)], "none": []}

    chart = _parse(line_chart("t", series, log_x=log_x, log_y=log_y, labels=("x", "y")))

    dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in chart.iter(f"{_SVG}circle")]
    assert len(dots) == 2 + (not log_x) + (not log_y)
    assert all(0 <= x <= 720 and 0 <= y <= 420 for x, y in dots)


def test_a_line_chart_names_its_axes_and_series() -> None:
    """In the legend and along the axes."""
    texts = _texts(line_chart("t", {"a<b": [(1, 1)]}, log_x=True, log_y=True, labels=("packages", "seconds")))

    assert {"t", "packages", "seconds", "a<b"} <= set(texts)


def test_the_same_input_gives_the_same_bytes() -> None:
    """So charts in the repository change only with their figures."""
    rows = [("a", 1.0), ("b", 2.0)]

    assert bar_chart("t", rows, "s") == bar_chart("t", rows, "s")
