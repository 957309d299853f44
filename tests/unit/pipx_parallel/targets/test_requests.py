"""Which targets options ask for."""

from __future__ import annotations

import pytest

from pipx_parallel.config.settings import TargetSettings
from pipx_parallel.errors import UsageError
from pipx_parallel.targets.platforms import group_platforms
from pipx_parallel.targets.requests import PLATFORMS, UNIVERSAL_PLATFORMS, help_text, requested_targets
from pipx_parallel.targets.targets import make_target, running_target


def labels(settings: TargetSettings, requires_python: str | None = None) -> list[str]:
    """Return the labels of the targets."""
    return [target.label for target in requested_targets(settings, requires_python)]


def test_nothing_asked_is_the_running_python() -> None:
    """One target."""
    assert requested_targets(TargetSettings()) == (running_target(),)


def test_each_short_name_is_a_target_of_its_own() -> None:
    """Tags of one system and machine describe one together."""
    platforms = ("linux", "manylinux_2_28_aarch64", "windows", "manylinux2014_aarch64", "win_amd64")

    assert group_platforms(platforms) == (
        ("linux",),
        ("manylinux_2_28_aarch64", "manylinux2014_aarch64"),
        ("windows",),
        ("win_amd64",),
    )
    assert group_platforms(("macosx_13_0_universal2", "macosx_13_0_arm64")) == (
        ("macosx_13_0_universal2", "macosx_13_0_arm64"),
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (TargetSettings(("3.12", "3.13")), ["cpython 3.12 linux x86_64", "cpython 3.13 linux x86_64"]),
        (
            TargetSettings(("3.12", "3.13"), ("windows", "macos")),
            [
                "cpython 3.12 win32 AMD64",
                "cpython 3.12 darwin arm64",
                "cpython 3.13 win32 AMD64",
                "cpython 3.13 darwin arm64",
            ],
        ),
        (TargetSettings(targets=("3.13 windows",)), ["cpython 3.13 win32 AMD64"]),
        (TargetSettings(targets=("windows 3.13",)), ["cpython 3.13 win32 AMD64"]),
        (TargetSettings(targets=("pypy3.11 linux",)), ["pypy 3.11 linux x86_64"]),
        (
            TargetSettings(("3.12", "3.13"), targets=("windows",)),
            ["cpython 3.12 win32 AMD64", "cpython 3.13 win32 AMD64"],
        ),
        (
            TargetSettings(("3.13",), ("macos",), targets=("3.12 windows",)),
            ["cpython 3.13 darwin arm64", "cpython 3.12 win32 AMD64"],
        ),
        (TargetSettings(targets=("3.13 windows", "3.13 windows")), ["cpython 3.13 win32 AMD64"]),
        (
            TargetSettings(targets=("3.12 x86_64-unknown-linux-musl", "3.12 linux")),
            ["cpython 3.12 linux x86_64 musl", "cpython 3.12 linux x86_64"],
        ),
    ],
)
def test_versions_and_platforms_are_combined(settings: TargetSettings, expected: list[str]) -> None:
    """A --target takes what it does not say from --python-version and --platform."""
    settings = settings._replace(platforms=settings.platforms or (() if settings.targets else ("linux",)))

    assert labels(settings) == expected


@pytest.mark.parametrize("target", ["", "3.12 3.13", "3.13 amiga", "x", "pypy3.11 3.12 linux"])
def test_an_unknown_target_is_refused(target: str) -> None:
    """Naming the option or the platform."""
    with pytest.raises(UsageError):
        requested_targets(TargetSettings(targets=(target,)))


def test_universal_is_five_pythons_on_five_platforms() -> None:
    """Unless a range or platforms are given."""
    targets = requested_targets(TargetSettings(universal=True))

    assert len(targets) == 5 * len(UNIVERSAL_PLATFORMS)
    assert {target.markers["python_version"] for target in targets} == {"3.10", "3.11", "3.12", "3.13", "3.14"}
    assert {(target.markers["sys_platform"], target.markers["platform_machine"]) for target in targets} == {
        ("linux", "x86_64"),
        ("linux", "aarch64"),
        ("darwin", "arm64"),
        ("darwin", "x86_64"),
        ("win32", "AMD64"),
    }
    musl = ("x86_64-unknown-linux-musl",)
    assert labels(TargetSettings(universal=True, platforms=musl, requires_python=">=3.13")) == [
        "cpython 3.13 linux x86_64 musl",
        "cpython 3.14 linux x86_64 musl",
    ]


def test_the_range_of_universal_is_that_of_the_project() -> None:
    """--requires-python goes before it."""
    linux = TargetSettings(universal=True, platforms=("linux",))

    assert labels(linux, ">=3.12,<3.14") == ["cpython 3.12 linux x86_64", "cpython 3.13 linux x86_64"]
    assert labels(linux._replace(requires_python="==3.9.*"), ">=3.12") == ["cpython 3.9 linux x86_64"]


def test_a_range_can_begin_and_end_within_a_series() -> None:
    """The target stands for these patch releases, and its markers are those of the first."""
    settings = TargetSettings(universal=True, platforms=("linux",), requires_python=">=3.9.2,!=3.9.7,<3.11")

    targets = requested_targets(settings)

    assert [(target.label, target.python_full_version) for target in targets] == [
        ("cpython 3.9.2-3.9.6 linux x86_64", "3.9.2"),
        ("cpython 3.9.8+ linux x86_64", "3.9.8"),
        ("cpython 3.10 linux x86_64", "3.10.0"),
    ]
    assert [(target.python_from, target.python_until) for target in targets] == [
        ("3.9.2", "3.9.7"),
        ("3.9.8", ""),
        ("", ""),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TargetSettings(universal=True, requires_python="three"), "--requires-python: 'three' is not a specifier"),
        (TargetSettings(universal=True, requires_python=">=4"), "no CPython from 3.8 to 3.14 satisfies >=4"),
        (TargetSettings(("3.12",), universal=True), "--universal takes its versions from --requires-python"),
        (TargetSettings(universal=True, glibc="two"), "--minimum-glibc: 'two'"),
        (TargetSettings(universal=True, macos="13.x"), "--minimum-macos: '13.x'"),
    ],
)
def test_what_universal_cannot_use_is_refused(settings: TargetSettings, message: str) -> None:
    """Naming the option."""
    with pytest.raises(UsageError, match=message):
        requested_targets(settings)


def test_the_oldest_systems_can_be_said() -> None:
    """A wheel for a newer glibc or macOS does not fit then."""
    settings = TargetSettings(("3.12",), ("linux", "macos"), glibc="2.17", macos="11.0")

    linux, macos = (set(target.tags) for target in requested_targets(settings))

    assert "cp312-cp312-manylinux_2_17_x86_64" in linux
    assert "cp312-cp312-manylinux_2_28_x86_64" not in linux
    assert "cp312-cp312-macosx_11_0_arm64" in macos
    assert "cp312-cp312-macosx_13_0_arm64" not in macos


def test_pypy_has_the_tags_of_pypy() -> None:
    """Its ABI follows from its version."""
    (target,) = requested_targets(TargetSettings(targets=("pypy3.11 linux",)))

    assert target.tags[0] == "pp311-pypy311_pp73-manylinux_2_28_x86_64"
    assert "cp311-cp311-manylinux_2_28_x86_64" not in target.tags


def test_the_help_names_platforms_that_work() -> None:
    """Each can be asked for."""
    for name in PLATFORMS:
        assert name in help_text()
        assert make_target("3.12", (name,)).tags
