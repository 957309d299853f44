"""Named tuples of our own: what ``typing.NamedTuple`` does, and equality by type."""

from __future__ import annotations

import copy
import pickle

import pytest

from mirror.equality import NamedTuple


class Point(NamedTuple):
    """A record with a default, a method and a property."""

    x: int
    y: int = 2
    names: tuple[str, ...] = ()

    def moved(self, by: int) -> Point:
        """Return a changed copy."""
        return self._replace(x=self.x + by)

    @property
    def total(self) -> int:
        """Return a number worked out of fields."""
        return self.x + self.y


class Other(NamedTuple):
    """A record with the same fields."""

    x: int
    y: int = 2
    names: tuple[str, ...] = ()


def test_fields_are_given_by_place_or_name_and_have_defaults() -> None:
    """The first call of the constructor is as every other."""
    assert Point(1) == Point(1, 2, ()) == Point(y=2, x=1) == Point._make([1, 2, ()])
    assert (Point(1).x, Point(1).y, Point(1).total, Point(1).moved(3).x) == (1, 2, 3, 4)
    assert Point._fields == ("x", "y", "names")
    assert Point(1)._asdict() == {"x": 1, "y": 2, "names": ()}
    assert repr(Point(1)) == "Point(x=1, y=2, names=())"


@pytest.mark.parametrize("arguments", [{}, {"y": 1}, {"x": 1, "z": 2}])
def test_wrong_arguments_are_refused(arguments: dict[str, int]) -> None:
    """A missing field and an unknown one, on the first call and later."""
    for _ in range(2):
        with pytest.raises(TypeError):
            Point(**arguments)  # type: ignore[arg-type]


def test_an_unknown_field_cannot_be_replaced() -> None:
    """The name is said."""
    with pytest.raises(ValueError, match="no such fields: z"):
        Point(1)._replace(z=1)  # type: ignore[call-arg]


def test_records_are_immutable_and_have_no_other_attributes() -> None:
    """As named tuples."""
    for name in ("x", "other"):
        with pytest.raises(AttributeError):
            setattr(Point(1), name, 3)


def test_copies_are_equal() -> None:
    """Also those that went through bytes, between processes of the same program."""
    for again in (copy.copy(Point(1)), copy.deepcopy(Point(1)), pickle.loads(pickle.dumps(Point(1)))):  # noqa: S301 - our own
        assert again == Point(1)
        assert type(again) is Point


def test_records_of_two_classes_differ() -> None:
    """Nor is a record equal to a tuple; equal records have one hash."""
    point: object = Point(1)
    assert point != Other(1)
    assert Point(1) != (1, 2, ())
    assert len({Point(1), Point(1), Other(1)}) == 2


def test_a_record_is_taken_apart_by_a_pattern() -> None:
    """By place and by name."""
    match Point(1, 5):
        case Point(x, y=5):
            assert x == 1
        case _:
            pytest.fail("no pattern matched")
