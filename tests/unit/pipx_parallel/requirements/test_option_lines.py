"""Options on options; the corpus compares the result with pip's, case by case."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipx_parallel.model import IndexOptions, Origin, WrittenOption
from pipx_parallel.requirements.option_lines import FEATURES, OptionState, choose_names

HERE = Origin("sub/r.txt", 3)


def state(*options: tuple[str, str], there: tuple[str, ...] = ()) -> IndexOptions:
    """Apply the options in order."""
    written = OptionState(lambda path: path in there)
    for name, value in options:
        written.apply(name, value, HERE)
    return written.finish(hashes_written=False)


def test_nothing_written_is_the_default() -> None:
    """The record's own defaults hold."""
    assert state() == IndexOptions()


def test_a_new_index_replaces_the_extra_ones_before_it() -> None:
    """As in pip; which is also the safer reading."""
    options = state(("--extra-index-url", "e"), ("--index-url", "i"), ("--extra-index-url", "f"))

    assert (options.index_url, options.extra_index_urls) == ("i", ("f",))


def test_find_links_beside_the_file_come_before_the_current_folder() -> None:
    """Where there is such a path; else it stays as written."""
    assert state(("--find-links", "w"), there=("sub/w",)).find_links == ("sub/w",)
    assert state(("--find-links", "w")).find_links == ("w",)


def test_every_option_line_is_kept_with_its_place() -> None:
    """``inspect`` shows them."""
    written = OptionState(lambda _: False)
    written.apply("--pre", "", HERE)

    assert written.written == [WrittenOption("--pre", "", HERE)]


def test_the_features_are_those_of_the_installed_pip() -> None:
    """A new feature may change which releases fit: somebody must look."""
    from pip._internal.cli import cmdoptions

    assert set(FEATURES) == set(cmdoptions.use_new_feature().choices or ())


words = st.lists(st.sampled_from([":all:", ":none:", "a", "B", "c_d"]), min_size=1, max_size=4)


@given(st.lists(st.tuples(st.booleans(), words), max_size=5))
def test_the_exclusive_sets_are_those_of_pip(steps: list[tuple[bool, list[str]]]) -> None:
    """Whatever the order of :all:, :none: and names."""
    from pip._internal.models.format_control import FormatControl

    ours: tuple[set[str], set[str]] = (set(), set())
    pips: tuple[set[str], set[str]] = (set(), set())
    for first, names in steps:
        choose_names(names, ours[not first], ours[first])
        FormatControl.handle_mutual_excludes(",".join(names), pips[not first], pips[first])

    assert ours == pips
