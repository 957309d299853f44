"""Libyears: how they are computed and reported."""

from __future__ import annotations

from pipx_parallel.locks.quality import held_back, libyears, notable, quality_of, relaxation_text, sentence
from pipx_parallel.model import WithoutExtra
from tests.support.resolutions import pin, web_resolution

_YEAR = 31_557_600


def test_a_libyear_is_a_year_between_uploads() -> None:
    """Of 365.25 days; never below zero; nothing is guessed where an index gives no times."""
    assert libyears(_YEAR, 3 * _YEAR) == 2.0
    assert libyears(3 * _YEAR, _YEAR) == 0.0
    assert (libyears(0, _YEAR), libyears(_YEAR, 0)) == (None, None)


def test_the_sum_is_of_direct_pins_and_of_all() -> None:
    """Pins of unknown age are counted, not left out in silence."""
    pins = (
        pin("a", "1", direct=True, latest="2", libyears=1.5),
        pin("b", "1", latest="2", libyears=0.25),
        pin("c", "1", latest="1"),
    )
    quality = quality_of(web_resolution()._replace(pins=pins))

    assert tuple(quality) == (1.5, 1.75, 2, 1)
    assert sentence(quality) == "libyears 1.5 direct, 1.8 in all; 2 pins are not the newest; 1 of unknown age"


def test_a_direct_pin_years_behind_is_reported_unless_the_user_bounds_it() -> None:
    """Whoever wrote numpy<1.20 knows."""
    held = pin("a", "1", direct=True, latest="9", libyears=8.0, reason="a 9 needs b>=2, and b is at 1")
    asked = pin("n", "1", direct=True, latest="9", libyears=8.0, reason="r.txt:1 wants N<2", bounded=True)
    other = pin("o", "1", direct=True, latest="9", libyears=8.0, reason="b 1 needs p (c.txt:1 allows only p<2)")

    assert list(notable(web_resolution()._replace(pins=(held, asked, other)))) == [
        "a 1 is 8.0 years behind 9: a 9 needs b>=2, and b is at 1",
        "o 1 is 8.0 years behind 9: b 1 needs p (c.txt:1 allows only p<2)",
    ]


def test_each_pin_that_is_not_the_newest_says_what_holds_it() -> None:
    """A pin without a reason was kept from the previous lock."""
    old_pin = pin("k", "1", latest="2")

    assert list(held_back(web_resolution()._replace(pins=(old_pin,)))) == [
        "k 1, not 2: it is kept from the previous lock"
    ]


def test_a_missing_extra_is_told_with_those_that_exist() -> None:
    """A typing error has its correction; without any extra the warning says none."""
    typo = WithoutExtra("requests", "2.34.2", "sock", ("security", "socks"))

    assert relaxation_text(typo) == (
        "requests 2.34.2 has no requirements for the extra 'sock' (extras with requirements: security, socks); "
        "did you mean requests[socks]?"
    )
    assert relaxation_text(WithoutExtra("a", "1", "x")).endswith("(extras with requirements: none)")
