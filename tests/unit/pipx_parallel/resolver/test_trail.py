"""The partial assignment."""

from __future__ import annotations

from pipx_parallel.resolver.terms import Derived, Incompatibility
from pipx_parallel.resolver.trail import Trail

REASON = Incompatibility([], [], Derived(()))


def narrowed() -> Trail:
    """Return a trail of two packages: the first narrowed at levels 0, 1 and 2, the second at 2."""
    trail = Trail()
    trail.add_package(0b11111)
    trail.add_package(0b111)
    trail.narrow(0, 0b11110, REASON)
    trail.open_level()
    trail.narrow(0, 0b11100, None)
    trail.open_level()
    trail.narrow(1, 0b100, None)
    trail.narrow(0, 0b01000, REASON)
    return trail


def test_going_back_restores_what_was_before() -> None:
    """Going back restores what was before."""
    trail = narrowed()

    trail.back_to(1)

    assert trail.current == [0b11100, 0b111]
    assert trail.level == 1
    assert trail.entries_of == [[0, 1], []]


def test_going_back_to_the_start_keeps_what_is_certain() -> None:
    """Going back to the start keeps what is certain."""
    trail = narrowed()

    trail.back_to(0)

    assert trail.current == [0b11110, 0b111]


def test_going_back_to_here_keeps_the_queue() -> None:
    """Going back to here keeps the queue."""
    trail = narrowed()

    trail.back_to(2)

    assert trail.queue == [0, 1]


def test_the_satisfier_is_the_entry_that_made_a_term_hold() -> None:
    """The satisfier is the entry that made a term hold."""
    trail = narrowed()

    assert trail.satisfier(0, 0b11110) == 0
    assert trail.satisfier(0, 0b11100) == 1
    assert trail.satisfier(0, 0b11000) == 3


def test_a_term_that_always_held_has_no_satisfier() -> None:
    """A term that always held has no satisfier."""
    assert narrowed().satisfier(1, 0b111) == -1


def test_a_package_is_queued_once() -> None:
    """A package is queued once."""
    trail = narrowed()

    trail.touch(0)

    assert trail.queue == [0, 1]
