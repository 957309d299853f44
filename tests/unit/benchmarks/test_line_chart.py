"""Line charts are valid XML, show every series, and stay inside their frame."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from benchmarks.line_chart import line_chart

_SVG = "{http://www.w3.org/2000/svg}"


def _parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own output


def test_a_power_law_is_a_straight_line_on_logarithmic_axes() -> None:
    """Equal factors are equal distances."""
    chart = line_chart("t", {"a": [(10, 1), (100, 10), (1000, 100)]}, ("n", "s"))

    (line,) = _parse(chart).iter(f"{_SVG}polyline")
    (x1, y1), (x2, y2), (x3, y3) = (tuple(map(float, point.split(","))) for point in line.attrib["points"].split())
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)
    assert y1 > y3  # SVG counts downwards


def test_points_stay_inside_the_frame_and_impossible_ones_are_left_out() -> None:
    """Zero has no place on a logarithmic axis, infinity nowhere."""
    series = {"a & b": [(0.0, 3.0), (5.0, 0.0), (7.0, math.inf), (2.0, 0.37)], "one": [(3.0, 3.0)], "none": []}

    chart = _parse(line_chart("t", series, ("x", "y")))

    dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in chart.iter(f"{_SVG}circle")]
    assert len(dots) == 2
    assert all(0 <= x <= 720 and 0 <= y <= 420 for x, y in dots)


def test_a_line_chart_names_its_axes_and_series() -> None:
    """In the legend and along the axes."""
    chart = _parse(line_chart("t", {"a<b": [(1, 1)]}, ("packages", "seconds")))

    texts = {element.text for element in chart.iter(f"{_SVG}text")}
    assert {"t", "packages", "seconds", "a<b"} <= texts
