"""Sets of releases as integers."""

from __future__ import annotations

from random import Random

from pipx_parallel.resolver.masks import bits_of, mask_of, runs_of

KEYS = ["b", "d", "f", "h"]  # bits 1 to 4


def test_an_interval_takes_its_low_end_and_leaves_its_high_end() -> None:
    """An interval takes its low end and leaves its high end."""
    assert mask_of(KEYS, [("b", "f")]) == 0b00110


def test_ends_need_not_be_keys() -> None:
    """Ends need not be keys."""
    assert mask_of(KEYS, [("c", "g")]) == 0b01100


def test_an_interval_before_or_after_every_key_is_empty() -> None:
    """An interval before or after every key is empty."""
    assert mask_of(KEYS, [("", "b"), ("i", "z")]) == 0


def test_an_interval_that_ends_before_it_starts_is_empty() -> None:
    """An interval that ends before it starts is empty."""
    assert mask_of(KEYS, [("h", "b")]) == 0


def test_no_keys_give_the_empty_mask() -> None:
    """No keys give the empty mask."""
    assert mask_of([], [("", "z")]) == 0


def test_intervals_agree_with_a_look_at_every_key() -> None:
    """Overlapping, touching, unordered intervals; bit 0 never set."""
    random = Random(1)  # noqa: S311 - a seed, not a secret
    keys = sorted({f"{random.randrange(1000):03}" for _ in range(60)})
    for _ in range(300):
        intervals = [
            (f"{random.randrange(1000):03}", f"{random.randrange(1000):03}") for _ in range(random.randrange(5))
        ]
        expected = {bit + 1 for bit, key in enumerate(keys) if any(low <= key < high for low, high in intervals)}

        assert set(bits_of(mask_of(keys, intervals))) == expected


def test_bits_come_lowest_first() -> None:
    """Bits come lowest first."""
    assert list(bits_of(0b101001)) == [0, 3, 5]


def test_runs_are_cut_where_a_member_is_missing() -> None:
    """Runs are cut where a member is missing."""
    assert runs_of(0b1101110, 0b1111110) == [(1, 3), (5, 6)]


def test_runs_reach_over_what_is_not_there_at_all() -> None:
    """Releases 2 and 4 do not exist, so 1, 3 and 5 are one run."""
    assert runs_of(0b101010, 0b101010) == [(1, 5)]


def test_runs_ignore_members_outside() -> None:
    """Runs ignore members outside."""
    assert runs_of(0b111, 0b110) == [(1, 2)]


def test_the_empty_mask_has_no_runs() -> None:
    """The empty mask has no runs."""
    assert runs_of(0, 0b1110) == []
