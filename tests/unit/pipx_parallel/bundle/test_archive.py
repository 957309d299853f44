"""Members of the archive."""

from __future__ import annotations

import pytest

from pipx_parallel.bundle.archive import Member


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../b", "a//b", "a\\b", "."])
def test_a_member_lies_inside_the_archive(name: str) -> None:
    """A name that leads elsewhere is refused where the member is made."""
    with pytest.raises(ValueError, match="no path inside"):
        Member(name, 0)
