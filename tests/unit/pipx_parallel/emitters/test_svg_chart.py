"""Charts are valid XML and show every row."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from pipx_parallel.emitters.svg_chart import bar_chart

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


def test_the_same_input_gives_the_same_bytes() -> None:
    """So charts in the repository change only with their figures."""
    rows = [("a", 1.0), ("b", 2.0)]

    assert bar_chart("t", rows, "s") == bar_chart("t", rows, "s")
