"""Which files a bundle needs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mirror.records.model import DistFile
from pipx_parallel.bundle.plan import refuse_sources, required_files
from pipx_parallel.errors import NoSolution, UsageError
from pipx_parallel.model import Pin, Resolution, Target

LINUX = Target("cpython 3.13 linux x86_64", "3.13.0", {}, ())
WINDOWS = Target("cpython 3.13 win32 AMD64", "3.13.0", {}, ())


def file(name: str) -> DistFile:
    """Return a file of the example index."""
    return DistFile(name, f"http://index.example/{name}", (("sha256", "0" * 64),))


def pin(name: str, *installable: str, url: str | None = None) -> Pin:
    """Return a pin with these files, best first."""
    files = tuple(map(file, installable))
    return Pin(name, "1.0", files, files, url=url)


def resolved(target: Target, pins: Sequence[Pin]) -> Resolution:
    """Return a resolution of just these pins."""
    return Resolution(target, tuple(pins), (), ())


def test_each_target_gets_its_best_file_and_shared_files_come_once() -> None:
    """A universal wheel is needed by both targets, one of each platform by one."""
    chosen = required_files(
        [
            resolved(
                LINUX, [pin("fast", "fast-1.0-cp313-linux.whl", "fast-1.0.tar.gz"), pin("pure", "pure-1.0-any.whl")]
            ),
            resolved(WINDOWS, [pin("fast", "fast-1.0-cp313-win.whl"), pin("pure", "pure-1.0-any.whl")]),
        ]
    )

    assert [(need.file.filename if need.file else "", need.targets) for need in chosen] == [
        ("fast-1.0-cp313-linux.whl", (0,)),
        ("fast-1.0-cp313-win.whl", (1,)),
        ("pure-1.0-any.whl", (0, 1)),
    ]


def test_a_pin_without_any_file_is_named() -> None:
    """It is no bundle that lacks something."""
    with pytest.raises(NoSolution, match=r"gone 1\.0: no file can be installed on cpython 3\.13 linux"):
        required_files([resolved(LINUX, [pin("gone")])])


@pytest.mark.parametrize("name", ["../evil-1.0-any.whl", "a/b.whl", "a\\b.whl", ".hidden", ""])
def test_a_file_name_that_is_a_path_is_refused(name: str) -> None:
    """An index must not choose where files are written."""
    with pytest.raises(UsageError, match="is not a valid file name"):
        required_files([resolved(LINUX, [pin("evil", name)])])


def test_source_archives_are_refused_by_default_with_both_ways_out() -> None:
    """Building runs code, so it is asked for."""
    chosen = required_files([resolved(LINUX, [pin("plain", "plain-1.0.tar.gz"), pin("pure", "pure-1.0-any.whl")])])

    with pytest.raises(UsageError) as caught:
        refuse_sources(chosen, [LINUX], "refuse")

    assert str(caught.value).startswith("plain 1.0 has only a source archive for cpython 3.13 linux x86_64\n")
    assert "--sdists build" in str(caught.value)
    assert "--sdists include" in str(caught.value)
    assert "pure" not in str(caught.value)
    refuse_sources(chosen, [LINUX], "build")
    refuse_sources(chosen, [LINUX], "include")


def test_a_tree_can_be_built_but_not_included() -> None:
    """A repository is no file."""
    chosen = required_files([resolved(LINUX, [pin("tree", url="git+http://index.example/tree@" + "0" * 40)])])

    refuse_sources(chosen, [LINUX], "build")
    with pytest.raises(UsageError, match=r"tree 1\.0 has only a source tree"):
        refuse_sources(chosen, [LINUX], "include")
