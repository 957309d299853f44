"""How far a release is behind: in days, in order of preference."""

from __future__ import annotations

import pytest

from pipx_parallel.resolver.levels import Scale
from tests.support.fake_source import FakeSource, world

DAYS = {
    ("a", 1): 4_000,
    ("a", 2): 4_100,
    ("a", 3): 4_900,
    ("a", 4): 4_160,
    ("a", 5): 4_200,
}  # 3: a late fix of an old series


@pytest.mark.parametrize(("lowest", "lags"), [(False, [200, 100, 40, 40, 0]), (True, [0, 100, 900, 900, 900])])
def test_lag_does_not_decrease_and_is_none_for_a_later_upload(lags: list[int], *, lowest: bool) -> None:
    """A late fix of an old series is as far behind as the release before it, not by the time that it came later."""
    universe = world({"a": 5}, {}, ["a:1-5"])._replace(uploads=DAYS, lowest=lowest)
    scale = Scale(FakeSource(universe), "a", 0b111110)

    assert [scale.lag(bit) for bit in range(1, 6)] == lags
