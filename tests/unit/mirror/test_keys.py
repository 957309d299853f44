"""The table of record kinds."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from mirror.keys import KINDS, RecordKind, files_key, files_key_of, kind_of, project_of, view_key, view_key_of
from mirror.session.write_buffer import WriteBuffer
from tests.support.dict_store import DictStore


def test_no_kind_is_part_of_another() -> None:
    """A key is of one kind."""
    assert [pair for pair in permutations(KINDS, 2) if pair[0].owns(pair[1].prefix)] == []


@pytest.mark.parametrize("kind", KINDS, ids=[kind.prefix for kind in KINDS])
def test_a_key_says_its_kind(kind: RecordKind) -> None:
    """And its name."""
    key = kind.key("one", "two")

    assert kind_of(key) is kind
    assert kind.name(key) == "one/two"


def test_both_views_of_a_project_have_one_name() -> None:
    """Each key leads to the other."""
    view, files = view_key("0" * 12, "app"), files_key("0" * 12, "app")

    assert (files_key_of(view), view_key_of(files)) == (files, view)
    assert project_of(view) == project_of(files) == "app"


def test_a_record_of_no_kind_is_not_stored() -> None:
    """So a kind that is missing in the table is found by whoever adds its writer, not by the user's doctor."""
    from mirror.http.fetch_job import FetchCounts

    buffer = WriteBuffer(DictStore(), FetchCounts(), lambda: 0.0)

    with pytest.raises(ValueError, match="of no kind"):
        buffer.write_record("z/one", b"")


@pytest.mark.parametrize("kind", KINDS, ids=[kind.prefix for kind in KINDS])
def test_the_format_s_documentation_has_every_kind(kind: RecordKind) -> None:
    """One row each, or for validators a sentence."""
    text = (Path(__file__).parents[3] / "docs" / "mirror-format.md").read_text(encoding="utf-8")

    assert f"`{kind.prefix}" in text
