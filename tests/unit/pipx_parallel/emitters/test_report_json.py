"""The JSON report follows its published schema and keeps the order of its keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mirror.errors import NotFound
from mirror.records.model import FetchFailure
from pipx_parallel.emitters import report_json
from pipx_parallel.model import Resolution, Stats
from tests.support.goldens import assert_golden
from tests.support.json_schema import problems
from tests.support.resolutions import context, pin, resolution, root, target, web_resolution

SCHEMA = json.loads((Path(__file__).parents[4] / "docs" / "report.schema.json").read_text(encoding="utf-8"))


def report(*resolutions: Resolution, **facts: Any) -> dict[str, Any]:
    """Render, parse, and hold the report to the schema."""
    parsed: dict[str, Any] = json.loads(report_json.render("report.json", resolutions, context(**facts))[0].text)

    assert problems(parsed, SCHEMA) == []
    return parsed


def test_the_example_looks_as_agreed() -> None:
    """The whole report."""
    assert_golden("report.json", report_json.render("report.json", [web_resolution()], context())[0].text)


def test_every_part_follows_the_schema() -> None:
    """Missing projects, direct references, figures, two targets."""
    first = resolution(
        [pin("a", "1"), pin("b", "1", url="https://u:p@h.example/b.zip", index=None)],
        [root("a")],
        [("a", "b", "b")],
        missing=[FetchFailure("c", "2", NotFound("gone")), FetchFailure("d", None, NotFound("gone"))],
        stats=Stats({"total": 0.5, "fill": 0.25}, {"requests": 3}),
    )

    parsed = report(first, resolution([], for_target=target("3.12")))

    assert [failure["name"] for failure in parsed["targets"][0]["missing"]] == ["c", "d"]
    assert parsed["targets"][0]["pins"][1]["url"] == "https://h.example/b.zip"
    assert parsed["targets"][0]["seconds"] == {"fill": 0.25, "total": 0.5}
    assert "seconds" not in parsed["targets"][1]


def test_keys_have_one_order_whatever_the_order_of_the_facts() -> None:
    """Mappings that come from outside are sorted."""
    plain, reordered = target(), target()
    reordered = reordered._replace(markers=dict(reversed(list(reordered.markers.items()))))
    texts = {
        report_json.render("x", [resolution([], for_target=each)], context(settings=settings))[0].text
        for each, settings in ((plain, {"a": "1", "b": "2"}), (reordered, {"b": "2", "a": "1"}))
    }

    assert len(texts) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"schema": 2},
        {"inputs": "md5:x"},
        {"targets": [{}]},
        {"files": [{"path": 1, "sha256": ""}]},
        {"more": 1},
        {"settings": {"a": 1}},
    ],
)
def test_the_schema_check_can_fail(broken: dict[str, Any]) -> None:
    """Each of these is found."""
    assert problems(report(web_resolution()) | broken, SCHEMA) != []
