"""Validation of untrusted release views: the digest is right, and the content may be anything."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pytest

from mirror.errors import Integrity
from mirror.exchange.validation import checked
from mirror.records.release_view import ReleaseView, encode
from tests.unit.mirror.exchange.test_snapshot import INDEX, view

KEY = f"v/{INDEX}/app"
Value = dict[str, Any]


def stored_view(change: Callable[[Value], object] = lambda _: None) -> bytes:
    """Return the stored form of a view after a change of its JSON, with the right digest."""
    release_view = view("app")
    release_view.dependency_sets[0].dependencies()  # compiled, so its row is a list
    value = json.loads(encode(release_view))
    del value["sum"]
    change(value)
    rest = json.dumps(value, separators=(",", ":")).encode()[1:]
    return b'{"sum":"' + blake2b(rest, digest_size=8).hexdigest().encode() + b'",' + rest


def test_a_valid_view_is_accepted() -> None:
    """With compiled rows and plain ones."""
    accepted = checked(KEY, stored_view())

    assert isinstance(accepted, ReleaseView)
    assert accepted.name == "app"


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(digest="../../../etc/passwd"), lambda v: v.update(digest=7), lambda v: v.update(classified=True),
        lambda v: v.update(classified="1"), lambda v: v.update(uploads="x y z"), lambda v: v.update(name="other"),
        lambda v: v.update(status=[]), lambda v: v.update(page={}), lambda v: v.update(pre="ff"), lambda v: v.update(keys="b a c"),
        lambda v: v["fresh"].__setitem__(0, "now"), lambda v: v["fresh"].__setitem__(1, float("inf")),
        lambda v: v["file_kinds"][0].__setitem__(0, "py3;rm"), lambda v: v["file_kinds"][0].__setitem__(1, 3),
        lambda v: v["kind_sets"][0].__setitem__(0, [9]), lambda v: v["kind_sets"][0].__setitem__(0, [0.5]),
        lambda v: v["known"][0].__setitem__(1, 1.5), lambda v: v["known"][0].__setitem__(2, "-1"),
        lambda v: v["needs"][0][1][0].pop(), lambda v: v["needs"][0][1][0].__setitem__(4, [["a", 1]]),
        lambda v: v["needs"][0].__setitem__(2, {"": [99]}), lambda v: v["needs"][0].__setitem__(0, 3),
    ],
)  # fmt: skip
def test_an_invalid_part_is_refused(change: Callable[[Value], object]) -> None:
    """The error names the record."""
    with pytest.raises(Integrity, match="app"):
        checked(KEY, stored_view(change))


def test_any_change_is_refused_or_readable() -> None:
    """Any value anywhere: an accepted view can be read completely."""
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    values: list[object] = [-1, 1 << 64, 1.5, "", "../x", None, True, [], {}, [[]], "ffffffff", "a\x00b"]

    def spoil(value: Any) -> object:
        if isinstance(value, dict | list) and value and chance.random() < 0.85:
            key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
            value[key] = spoil(value[key])
            return value
        return chance.choice(values)

    for _ in range(1500):
        try:
            accepted = checked(KEY, stored_view(spoil))
        except Integrity:
            continue
        assert isinstance(accepted, ReleaseView)
        for release in range(accepted.classified, len(accepted.versions)):
            assert accepted.uploads(release)
            for file_kind in accepted.kind_set_of(release):
                dependency_set = accepted.dependency_set(release, file_kind)
                assert dependency_set is None or dependency_set.to_json()
        encode(accepted)
