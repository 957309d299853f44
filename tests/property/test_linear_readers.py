"""Readers of foreign text do twice the work for twice the text, and no more; counted in lines of Python, never in seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mirror.exchange.published_index import PublishedIndex, needed_names
from mirror.metadata.core_metadata import parse_core_metadata
from mirror.records.dependency_sets import DependencySet, compile_requirement
from mirror.records.filenames import split_filename
from mirror.records.simple_html import read_html
from mirror.records.simple_parse import parse_listing
from mirror.records.version_keys import compile_specifier, version_key
from tests.support.steps import steps

SIZE = 100
READERS: dict[str, Callable[[int], Callable[[], object]]] = {
    "a file name of dashes": lambda n: lambda: split_filename("x-" * n + "1.tar.gz", "y"),
    "a file name of the project's name": lambda n: lambda: split_filename("a--" * n + "1.tar.gz", "-".join("a" * n)),
    "clauses that exclude": lambda n: lambda: compile_specifier(",".join(f"!={number}" for number in range(n))),
    "clauses that packaging reads": lambda n: (
        lambda: compile_specifier(",".join(f"!=1!{number}" for number in range(n)))
    ),
    "clauses that include": lambda n: lambda: compile_specifier(",".join(f">={number}" for number in range(n))),
    "extras of a requirement": lambda n: (
        lambda: compile_requirement(f"a[{','.join(f'e{number}' for number in range(n))}]")
    ),
    "extras that need each other in an index": lambda n: (
        lambda: needed_names(
            PublishedIndex(
                1,
                5,
                {},
                {},
                (),
                {
                    "i": {
                        "a": f"0 {'0' * 32} 0 1 1 a[e0]"
                        + "".join(f" [e{number}] a[e{number + 1}]" for number in range(n))
                    }
                },
            ),
            {"a": ()},
        )
    ),
    "a version of many numbers": lambda n: lambda: version_key(".".join("1" * n)),
    "requirements of a release": lambda n: lambda: DependencySet([f"a{number}" for number in range(n)]).dependencies(),
    "extras of a release": lambda n: (
        lambda: DependencySet([f"a; extra == 'e{number}'" for number in range(n)]).extras()
    ),
    "headers": lambda n: lambda: parse_core_metadata(b"Name: a\nVersion: 1\n" + b"Requires-Dist: b\n" * n),
    "folded headers": lambda n: lambda: parse_core_metadata(b"Name: a\nVersion: 1\nRequires-Dist: b\n" + b" c\n" * n),
    "links": lambda n: lambda: read_html('<a href="a-1.tar.gz">' * n, "https://index.example/a/"),
    "entries of a wrong type": lambda n: (
        lambda: parse_listing(
            b'{"files": [%s]}' % b",".join([b'{"filename": "a-1.tar.gz", "yanked": []}'] * n),
            None,
            "https://index.example/",
        )
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_twice_the_text_is_at_most_twice_the_work(name: str) -> None:
    """A tenth more is allowed, for the logarithm of a sort."""
    reader = READERS[name]
    reader(SIZE // 2)()  # imports and caches do not count
    compile_specifier.cache_clear()

    once, twice = steps(reader(SIZE)), steps(reader(2 * SIZE))

    assert twice <= 2.2 * once


def test_a_file_name_is_read_in_a_bounded_number_of_steps() -> None:
    """What runs in C is not counted, so no step may be made for each dash: each would look at the whole name."""
    reader = READERS["a file name of dashes"]
    reader(SIZE)()

    assert steps(reader(2 * SIZE)) == steps(reader(SIZE))
