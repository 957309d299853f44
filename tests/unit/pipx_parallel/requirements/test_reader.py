"""Files that include files."""

from __future__ import annotations

import pytest

from pipx_parallel.errors import RequirementsError
from pipx_parallel.requirements.reader import TreeReader
from tests.support.texts import TextReader


def read(texts: dict[str, str], location: str = "r.txt") -> list[tuple[str, str, bool, tuple[str, ...]]]:
    """Return (origin, requirement, constraint, via) of every line."""
    tree = TreeReader(TextReader(texts), {}, lambda _path, _data: None)
    return [(str(line.origin), line.requirement, bound, line.origin.via) for line, bound in tree.lines(location)]


def test_included_lines_stand_where_they_are_included() -> None:
    """Depth first, with the chain that led there."""
    texts = {"r.txt": "a\n-r sub/s.txt\nb\n", "sub/s.txt": "-c t.txt\nc\n", "sub/t.txt": "\nd<1\n"}

    assert read(texts) == [
        ("r.txt:1", "a", False, ()),
        ("sub/t.txt:2", "d<1", True, ("r.txt:2", "sub/s.txt:1")),
        ("sub/s.txt:2", "c", False, ("r.txt:2",)),
        ("r.txt:3", "b", False, ()),
    ]


def test_standard_input_includes_from_the_current_folder() -> None:
    """It has no folder of its own."""
    assert [line[:2] for line in read({"-": "-r s.txt\na\n", "s.txt": "b\n"}, "-")] == [
        ("s.txt:1", "b"),
        ("<stdin>:2", "a"),
    ]


def test_a_file_by_url_includes_by_url() -> None:
    """Relative to its own URL."""
    texts = {
        "r.txt": "-r https://h.example/x/s.txt\n",
        "https://h.example/x/s.txt": "-r t.txt\n",
        "https://h.example/x/t.txt": "a",
    }

    assert [line[0] for line in read(texts)] == ["https://h.example/x/t.txt:1"]


def test_a_loop_is_seen_through_different_spellings() -> None:
    """What counts is the file, not how it is named."""
    with pytest.raises(
        RequirementsError, match=r"^sub/s.txt:1: .* includes itself: r.txt -> sub/s.txt -> r.txt; remove"
    ):
        read({"r.txt": "-r ./sub/../sub/s.txt\n", "sub/s.txt": "-r ../sub/../r.txt\n"})


def test_a_constraint_inside_a_constraint_and_a_requirement_inside_one() -> None:
    """pip: -r always names requirements, -c always constraints."""
    texts = {"r.txt": "-c c.txt\n", "c.txt": "-r q.txt\n-c d.txt\n", "q.txt": "a\n", "d.txt": "b\n"}

    assert [line[1:3] for line in read(texts)] == [("a", False), ("b", True)]


def test_every_text_read_is_reported() -> None:
    """A lock keeps their digests."""
    seen: list[tuple[str, bytes]] = []
    tree = TreeReader(
        TextReader({"r.txt": "-r s.txt\n", "s.txt": "a"}), {}, lambda path, data: seen.append((path, data))
    )

    list(tree.lines("r.txt"))

    assert seen == [("r.txt", b"-r s.txt\n"), ("s.txt", b"a")]
