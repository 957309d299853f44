"""Direct references taken apart, pinned, and compared."""

from __future__ import annotations

import pytest

from mirror.errors import Malformed
from pipx_parallel.direct.reference import Reference, parse, pinned, same


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://h.example/a-1.0.whl#sha256=AB",
            Reference("archive", "https://h.example/a-1.0.whl", None, "", (("sha256", "ab"),)),
        ),
        (
            "https://u:p@h.example/archive?x=1#subdirectory=s/t",
            Reference("archive", "https://h.example/archive?x=1", None, "s/t", ()),
        ),
        ("file:///tmp/a.tar.gz", Reference("archive", "file:///tmp/a.tar.gz", None, "", ())),
        ("file:///tmp/folder", Reference("folder", "file:///tmp/folder", None, "", ())),
        (
            "git+https://t:s@h.example/r.git@v1#egg=a&subdirectory=s",
            Reference("git", "https://h.example/r.git", "v1", "s", ()),
        ),
        ("git+ssh://git@h.example/r", Reference("git", "ssh://git@h.example/r", None, "", ())),
        ("git+ssh://git@h.example/r@feature/x", Reference("git", "ssh://git@h.example/r", "feature/x", "", ())),
        ("git+file:///tmp/r", Reference("git", "file:///tmp/r", None, "", ())),
    ],
)
def test_a_reference_is_split_into_its_parts(url: str, expected: Reference) -> None:
    """Credentials never stay in it."""
    assert parse(url) == expected


@pytest.mark.parametrize(
    "url",
    ["hg+https://h.example/r", "ftp://h.example/a.zip", "ext::sh -c x", "git+https://h.example/r@--upload-pack=x"],
)
def test_what_cannot_be_locked_is_refused(url: str) -> None:
    """Also a revision that git would take for an option."""
    with pytest.raises(Malformed):
        parse(url)


def test_a_pinned_reference_gives_the_same_again() -> None:
    """A commit for a branch; the part stays."""
    reference = parse("git+https://h.example/r@main#subdirectory=s")

    assert pinned(reference, "c" * 40) == f"git+https://h.example/r@{'c' * 40}#subdirectory=s"
    assert pinned(reference, "c" * 40, "name").endswith("#egg=name&subdirectory=s")
    assert pinned(parse("https://h.example/a.zip#sha256=ab")) == "https://h.example/a.zip"


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [
        ("git+https://h.example/r.git", "git+https://u:p@h.example/r", True),
        ("git+https://h.example/r@a", "git+https://h.example/r@b", False),
        ("https://h.example/a.zip#sha256=ab", "https://h.example/a.zip", True),
        ("https://h.example/a.zip", "https://h.example/b.zip", False),
        ("file:///a/", "file:///a", True),
    ],
)
def test_references_are_compared_by_what_they_mean(left: str, right: str, alike: bool) -> None:
    """Spelling, credentials and hashes do not matter."""
    assert same(parse(left), parse(right)) is alike
