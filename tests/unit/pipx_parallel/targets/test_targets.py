"""Targets: the running Python, and others modelled; compared with pip and uv."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker, default_environment
from packaging.tags import sys_tags

from pipx_parallel.errors import UsageError
from pipx_parallel.targets.targets import labelled_targets, make_target, running_target, target_fingerprint


def test_the_running_target_is_what_packaging_says() -> None:
    """Tags in order, every marker variable but extra."""
    target = running_target()

    assert target.tags == tuple(dict.fromkeys(map(str, sys_tags())))
    assert target.markers == default_environment()
    assert "extra" not in target.markers
    assert target.python_full_version == ".".join(map(str, sys.version_info[:3]))
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    machine = target.markers["platform_machine"]
    assert target.label == f"{sys.implementation.name} {version} {sys.platform} {machine}"


def test_no_flags_mean_the_running_python() -> None:
    """Nothing is modelled that can be known."""
    assert make_target() == running_target()


def test_the_fingerprint_is_stable_and_loads_nothing() -> None:
    """It is a key; it must cost nothing."""
    program = (
        "import sys; from pipx_parallel.targets.targets import target_fingerprint as f; print(f());"
        "sys.exit('packaging' in sys.modules or 'platform' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == target_fingerprint()


FLAGS: tuple[tuple[str | None, tuple[str, ...], str | None, tuple[str, ...]], ...] = (
    ("3.13", ("win_amd64",), None, ()),
    ("313", ("macosx_14_0_arm64",), None, ()),
    ("3.9.1", ("macosx_10_15_x86_64",), "cp", ()),
    ("3.12", ("manylinux2014_x86_64",), None, ()),
    ("3.12", ("manylinux_2_28_x86_64", "manylinux2014_x86_64"), None, ()),
    ("3.12", ("manylinux2010_x86_64", "linux_x86_64"), None, ()),
    ("3.12", ("manylinux2014_aarch64",), None, ()),
    ("3.13", ("win_amd64",), None, ("cp313t",)),
    ("3.10", ("linux_x86_64",), "pp", ("pypy310_pp73",)),
    ("3", ("any",), "py", ("none",)),
    ("3.8", (), None, ()),
    (None, ("win32",), None, ()),
    (None, (), "py", ()),
    ("3.11", ("musllinux_1_2_x86_64",), None, ("abi3", "none")),
)


@pytest.mark.parametrize("flags", FLAGS, ids=str)
def test_a_modelled_target_has_the_tags_of_pip(
    flags: tuple[str | None, tuple[str, ...], str | None, tuple[str, ...]],
) -> None:
    """The same flags, the same tags, in the same order."""
    from pip._internal.cli.cmdoptions import _convert_python_version
    from pip._internal.models.target_python import TargetPython

    version, platforms, implementation, abis = flags
    info = _convert_python_version(version)[0] if version else None
    pips = TargetPython(list(platforms) or None, info, list(abis) or None, implementation)

    assert list(make_target(*flags).tags) == list(dict.fromkeys(map(str, pips.get_sorted_tags())))


@pytest.mark.parametrize(
    ("platform", "values"),
    [
        ("windows", ("win32", "Windows", "nt", "AMD64")),
        ("aarch64-pc-windows-msvc", ("win32", "Windows", "nt", "ARM64")),
        ("win32", ("win32", "Windows", "nt", "x86")),
        ("macos", ("darwin", "Darwin", "posix", "arm64")),
        ("x86_64-apple-darwin", ("darwin", "Darwin", "posix", "x86_64")),
        ("macosx_13_0_arm64", ("darwin", "Darwin", "posix", "arm64")),
        ("linux", ("linux", "Linux", "posix", "x86_64")),
        ("aarch64-manylinux_2_28", ("linux", "Linux", "posix", "aarch64")),
        ("x86_64-unknown-linux-musl", ("linux", "Linux", "posix", "x86_64")),
        ("manylinux_2_28_ppc64le", ("linux", "Linux", "posix", "ppc64le")),
    ],
)
def test_markers_are_those_of_a_python_there(platform: str, values: tuple[str, ...]) -> None:
    """platform_machine as such a Python would state it."""
    markers = make_target("3.12", (platform,)).markers

    names = ("sys_platform", "platform_system", "os_name", "platform_machine")
    assert tuple(markers[name] for name in names) == values
    assert (markers["python_version"], markers["python_full_version"], markers["implementation_version"]) == (
        "3.12",
        "3.12.0",
        "3.12.0",
    )
    assert markers.keys() == default_environment().keys()


@pytest.mark.parametrize(("implementation", "names"), [("pp", ("pypy", "PyPy")), ("cpython", ("cpython", "CPython"))])
def test_an_implementation_has_its_names(implementation: str, names: tuple[str, str]) -> None:
    """Short or long, as the user likes."""
    markers = make_target(implementation=implementation).markers

    assert (markers["implementation_name"], markers["platform_python_implementation"]) == names


def test_a_marker_on_the_kernel_can_be_evaluated() -> None:
    """No name tells the kernel's release: it is empty, and an empty value is no error."""
    target = make_target("3.12", ("linux",))

    assert not Marker("platform_release >= '20' and sys_platform == 'darwin'").evaluate(dict(target.markers))


def test_a_short_name_covers_older_c_libraries() -> None:
    """A wheel for glibc 2.17 runs where 2.28 is."""
    tags = make_target("3.12", ("x86_64-manylinux_2_28",)).tags

    accepted = [
        tag
        for tag in ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux1")
        if f"cp312-cp312-{tag}_x86_64" in tags
    ]
    assert accepted == ["manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux1"]
    assert "cp312-cp312-manylinux_2_29_x86_64" not in tags
    assert "py3-none-any" in tags


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("three",), "--python-version: 'three'"),
        (("3.1.2.3",), "--python-version"),
        ((None, ("amiga",)), "--platform: 'amiga' is not a known platform"),
        ((None, ("windoze",)), "--platform: 'windoze' is not a known platform"),
        ((None, ("windows", "linux")), "are different systems"),
        ((None, ("win_amd64", "win_arm64")), "are different systems"),
        ((None, ("sparc-pc-windows-msvc",)), "Windows runs on"),
        ((None, ("android_21_arm64_v8a",)), "is not supported"),
        ((None, (), "xx"), "--implementation: 'xx'"),
    ],
)
def test_a_wrong_flag_value_is_refused(flags: tuple[Any, ...], message: str) -> None:
    """Naming the flag and the value."""
    with pytest.raises(UsageError) as caught:
        make_target(*flags)

    assert message in str(caught.value)


TAGS = (
    "manylinux_2_17_x86_64",
    "manylinux_2_28_x86_64",
    "manylinux_2_31_x86_64",
    "linux_x86_64",
    "macosx_11_0_arm64",
    "macosx_13_0_arm64",
    "macosx_14_0_arm64",
    "macosx_13_0_x86_64",
    "musllinux_1_1_x86_64",
    "musllinux_1_2_x86_64",
    "musllinux_1_3_x86_64",
    "win_amd64",
    "win_arm64",
    "win32",
    "manylinux2014_aarch64",
    "manylinux_2_28_aarch64",
    "manylinux_2_35_aarch64",
)


@pytest.mark.tools
@pytest.mark.parametrize(
    "platform",
    [
        "linux",
        "windows",
        "macos",
        "x86_64-apple-darwin",
        "x86_64-unknown-linux-musl",
        "x86_64-manylinux_2_31",
        "x86_64-manylinux2014",
        "aarch64-unknown-linux-gnu",
        "aarch64-pc-windows-msvc",
        "i686-pc-windows-msvc",
    ],
)
def test_short_names_mean_what_they_mean_to_uv(platform: str, tmp_path: Path) -> None:
    """The same wheels can be installed: of all that are offered, uv takes the newest that we would."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    (tmp_path / "in.txt").write_text("demo\n", encoding="utf-8")
    (tmp_path / "links").mkdir()
    for number, tag in enumerate(TAGS):
        name, info = f"demo-{number}.0-py3-none-{tag}.whl", f"demo-{number}.0.dist-info"
        with zipfile.ZipFile(tmp_path / "links" / name, "w") as wheel:
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: demo\nVersion: {number}.0\n")
            wheel.writestr(
                f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: py3-none-{tag}\n"
            )
            wheel.writestr(f"{info}/RECORD", "")
    ours = [number for number, tag in enumerate(TAGS) if f"py3-none-{tag}" in make_target(platforms=(platform,)).tags]
    command = [
        uv,
        "pip",
        "compile",
        "in.txt",
        "--no-index",
        "-f",
        "links",
        "--python-platform",
        platform,
        "--python",
        sys.executable,
    ]
    command += ["--no-header", "--no-annotate", "-q", "--cache-dir", str(tmp_path / "cache"), "--no-config"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stdout.strip() == f"demo=={max(ours)}.0", done.stderr


@pytest.mark.parametrize("version", ["3.8", "3.13"])
@pytest.mark.parametrize("platform", ["linux", "windows", "macos", "x86_64-apple-darwin", "x86_64-unknown-linux-musl"])
@pytest.mark.parametrize("implementation", ["cp", "pp"])
def test_a_label_is_read_as_the_target_that_it_is_of(version: str, platform: str, implementation: str) -> None:
    """All marker variables but the release of the system, which no label says."""
    target = make_target(version, [platform], implementation)

    (read,) = labelled_targets(target.label, running_target())

    assert (read.label, read.python_full_version) == (target.label, target.python_full_version)
    unsaid = ("platform_release", "platform_version")
    values = [{name: value for name, value in row.markers.items() if name not in unsaid} for row in (read, target)]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("label", "versions"),
    [
        ("cpython 3.9-3.11 linux x86_64", ["3.9.0", "3.10.0", "3.11.0"]),
        ("cpython 3.11.0-3.11.2, 3.12 win32 AMD64", ["3.11.0", "3.12.0"]),
        ("pypy 3.11.3-3.11.* linux", ["3.11.3"]),
        ("cpython linux", []),
        ("lisp 3.11 linux x86_64", []),
        ("", []),
    ],
)
def test_the_pythons_of_a_label(label: str, versions: list[str]) -> None:
    """A range is each of its series, a part of a series its first release; what is no label is no target."""
    assert [target.python_full_version for target in labelled_targets(label, running_target())] == versions
