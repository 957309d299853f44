"""The pure half of the setuptools plugin."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.markers import Marker

from pipx_parallel.errors import StaleLock, UsageError
from pipx_parallel.locks.locked_extra import LockedExtras, Pinned, check, lock_command, pins_of, settings_of


def _project(**table: object) -> dict[str, Any]:
    return {"tool": {"pipx-parallel": {"setuptools": table}}}


def _lock(*packages: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"lock-version": "1.0", "created-by": "a tool", "packages": list(packages), **more}


def _release(name: str, version: str, **more: object) -> dict[str, Any]:
    sdist = {"url": f"https://index.example/{name}-{version}.tar.gz", "hashes": {"sha256": "ff"}}
    return {"name": name, "version": version, "sdist": sdist, **more}


def test_a_misspelt_table_is_an_error() -> None:
    """It would build a wheel without the extra; other tables of the tool are not its business."""
    with pytest.raises(UsageError, match=r"setuptool\] is not a setting; did you mean \[tool.pipx-parallel.setuptools"):
        settings_of({"tool": {"pipx-parallel": {"setuptool": {"extra": "locked"}}}})
    assert settings_of({"tool": {"pipx-parallel": {"policies": {}}}}) is None


def test_the_command_for_the_lock_of_a_group_names_the_group() -> None:
    """Without it, the command would lock the project."""
    assert lock_command("pylock.test.toml", "test") == "pipx-parallel lock --group test -o pylock.test.toml"
    assert lock_command("pylock.toml", "") == "pipx-parallel lock -o pylock.toml"


def test_an_empty_table_means_the_defaults() -> None:
    """The table alone turns the plugin on."""
    assert settings_of(_project()) == LockedExtras("pylock.toml", "locked", dependencies=False, groups=())


@pytest.mark.parametrize("pyproject", [{}, {"tool": {}}, {"tool": {"pipx-parallel": {"extra": ["dev"]}}}])
def test_no_table_means_off(pyproject: dict[str, Any]) -> None:
    """Other tables of ours do not turn it on."""
    assert settings_of(pyproject) is None


def test_pins_as_dependencies_need_no_extra() -> None:
    """An extra is made only if it is named."""
    assert settings_of(_project(dependencies=True)) == LockedExtras("pylock.toml", None, dependencies=True, groups=())
    assert settings_of(_project(dependencies=True, extra="all")) == LockedExtras(
        "pylock.toml", "all", dependencies=True, groups=()
    )


def test_groups_alone_need_no_lock_of_the_project() -> None:
    """Only the locks that are named are read."""
    settings = settings_of(_project(groups={"test": "pylock.test.toml"}))

    assert settings == LockedExtras(None, None, dependencies=False, groups=(("test", "pylock.test.toml"),))


def test_groups_with_an_extra_need_the_lock_to_be_named() -> None:
    """Nothing says which lock the extra would hold."""
    with pytest.raises(UsageError, match="must name the lock"):
        settings_of(_project(groups={"test": "a.toml"}, extra="locked"))


@pytest.mark.parametrize("path", ["/etc/pylock.toml", "../pylock.toml", "a/../../b.toml", "a\\b.toml", "C:/x.toml", ""])
def test_a_lock_outside_the_project_is_refused(path: str) -> None:
    """It could not travel in the sdist."""
    with pytest.raises(UsageError, match="must be a path inside the project"):
        settings_of(_project(lock=path))


def test_a_table_of_another_kind_is_refused() -> None:
    """A typo in the table's form must not turn the plugin off silently."""
    with pytest.raises(UsageError, match="must be a table, not True"):
        settings_of({"tool": {"pipx-parallel": {"setuptools": True}}})


def test_every_package_becomes_a_requirement() -> None:
    """Versions, markers, commits and archives survive."""
    lock = _lock(
        _release("a-b", "1.0"),
        _release("c", "2", marker="os_name == 'nt'"),
        {
            "name": "g",
            "vcs": {"type": "git", "url": "https://git.example/g", "commit-id": "0" * 40, "subdirectory": "py"},
        },
        {
            "name": "z",
            "marker": "os_name == 'nt'",
            "archive": {"url": "https://index.example/z.zip", "hashes": {"sha256": "ff"}},
        },
    )

    windows = Marker("os_name == 'nt'")
    assert pins_of(lock, "pylock.toml", "app") == (
        Pinned("a-b", "1.0", "a-b==1.0"),
        Pinned("c", "2", 'c==2; os_name == "nt"', windows),
        Pinned("g", None, f"g @ git+https://git.example/g@{'0' * 40}#subdirectory=py"),
        Pinned("z", None, 'z @ https://index.example/z.zip#sha256=ff ; os_name == "nt"', windows),
    )


def test_one_project_at_two_versions_is_checked_at_both() -> None:
    """A lock for several targets pins a project once for each marker."""
    pins = pins_of(
        _lock(
            _release("a", "1.0", marker="os_name == 'nt'"),
            _release("a", "2.0", marker="os_name != 'nt'"),
        ),
        "pylock.toml",
        None,
    )

    check(pins, ["a"], "pylock.toml", complete=True)
    with pytest.raises(StaleLock, match=r"pylock\.toml is out of date: a>=2 is pinned to 1\.0"):
        check(pins, ["a>=2"], "pylock.toml", complete=True)


def test_a_dependency_that_does_not_apply_here_needs_no_pin() -> None:
    """The lock was made where the marker is false too, and may pin what another line wants here."""
    pins = [Pinned("a", "2.0", "a==2.0")]

    check(pins, ["a", "x; os_name == 'nowhere'"], "pylock.toml", complete=True)
    check(pins, ["a>=2; os_name != 'nowhere'", "a<2; os_name == 'nowhere'"], "pylock.toml", complete=True)
    with pytest.raises(StaleLock, match="a<2"):
        check(pins, ["a>=2; os_name == 'nowhere'", "a<2; os_name != 'nowhere'"], "pylock.toml", complete=True)


def test_a_pin_for_elsewhere_does_not_contradict_what_counts_here() -> None:
    """Several targets, several pins: each line of the project is held against the pins of the same place."""
    lock = _lock(
        _release("a", "1.0", marker="os_name == 'nowhere'"),
        _release("a", "2.0", marker="os_name != 'nowhere'"),
    )

    pins = pins_of(lock, "pylock.toml", None)

    check(pins, ["a>=2; os_name != 'nowhere'", "a<2; os_name == 'nowhere'"], "pylock.toml", complete=True)
    with pytest.raises(StaleLock, match=r"a>=3.* is pinned to 2\.0"):
        check(pins, ["a>=3; os_name != 'nowhere'"], "pylock.toml", complete=True)


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        ({}, "is not a valid lock file .* in 'lock-version'"),
        (_lock(**{"lock-version": 1}), "in 'lock-version'"),
        (_lock(**{"lock-version": "2.0"}), r"has lock-version 2\.0; only 1\.x can be read"),
        (_lock(packages=3), "in 'packages'"),
        (_lock("a"), r"in 'packages\[0\]'"),  # type: ignore[arg-type]
        (_lock(_release("a", "1"), {"name": "-"}), r"in 'packages\[1\]"),
        (_lock({"name": "a"}), r"in 'packages\[0\]'"),
        (_lock({"name": "a", "sdist": _release("a", "1")["sdist"]}), "a has neither a version nor a URL"),
        (_lock(_release("a", "one")), r"in 'packages\[0\].version'"),
        (_lock(_release("a", "1", marker="nonsense ==")), r"in 'packages\[0\].marker'"),
        (_lock({"name": "a", "vcs": {"type": "git", "url": "https://git.example/a"}}), "in 'packages.*commit-id'"),
        (
            _lock({"name": "a", "archive": {"url": "https://index.example/a.zip", "hashes": []}}),
            "in 'packages.*hashes'",
        ),
        (_lock({"name": "a", "archive": {"path": "a.zip", "hashes": {"sha256": "ff"}}}), "a local path"),
        (_lock({"name": "a", "directory": {"path": "../a"}}), "a local path"),
        (_lock(tool={"pipx-parallel": {"missing": ["beta"]}}), "locked without beta"),
    ],
)
def test_a_lock_that_is_not_valid_is_refused_with_the_place(lock: dict[str, Any], message: str) -> None:
    """Whatever stands in the file, it is one sentence that names the file."""
    with pytest.raises(UsageError, match=message) as caught:
        pins_of(lock, "locks/pylock.toml", "app")

    assert str(caught.value).startswith("locks/pylock.toml")


def test_a_pre_release_that_is_locked_is_right() -> None:
    """The lock decides whether pre-releases are welcome, not the check."""
    check([Pinned("a", "2.0rc1", "a==2.0rc1")], ["a>=1"], "pylock.toml", complete=True)


def test_a_direct_reference_answers_any_range() -> None:
    """Its version is known only when it is built."""
    check([Pinned("a", None, "a @ https://index.example/a.zip")], ["a>=1"], "pylock.toml", complete=True)


def test_a_lock_of_a_group_may_leave_the_project_out_but_not_contradict_it() -> None:
    """Both are installed together."""
    pins = [Pinned("tester", "7", "tester==7"), Pinned("a", "1.0", "a==1.0")]

    check(pins, ["b", "a<2"], "pylock.test.toml", complete=False)
    with pytest.raises(StaleLock, match="a>=2"):
        check(pins, ["b", "a>=2"], "pylock.test.toml", complete=False)
