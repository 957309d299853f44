"""One lock for several targets on the command line: pins that are kept, differences, reasons, trees."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dists import sdist, wheel
from tests.support.index_http import Answer
from tests.support.index_server import LoopbackIndex

PYTHONS = ("--python-version", "3.10", "--python-version", "3.12", "--platform", "linux", "--platform", "windows")


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve a project with a release for each of two ranges of Python, one that only Windows needs, and a plain one."""
    projects = {
        "app": [wheel("app", "1.0", ["lib", "win; sys_platform == 'win32'"])],
        "lib": [
            wheel("lib", "1.0", requires_python="<3.12"),
            wheel("lib", "1.1", requires_python="<3.12"),
            wheel("lib", "2.0", requires_python=">=3.12"),
            wheel("lib", "2.1", requires_python=">=3.12"),
        ],
        "win": [wheel("win", "1.0"), wheel("win", "2.0")],
    }
    with LoopbackIndex(projects) as served:
        yield served


def pins(path: Path) -> list[str]:
    """Return the pins of a requirements file, with their markers."""
    rows = path.read_text(encoding="utf-8").splitlines()
    return [row.removesuffix(" \\").strip() for row in rows if "==" in row and not row.lstrip().startswith("#")]


OLD = """\
app==1.0
lib==1.0 ; python_version < "3.12"
lib==2.0 ; python_version >= "3.12"
win==1.0 ; sys_platform == "win32"
"""
NEW = {"lib==1.1", "lib==2.1", "win==2.0"}


@pytest.mark.parametrize(
    ("flags", "moved"),
    [((), set()), (("-P", "win"), {"win==2.0"}), (("-P", "lib"), NEW - {"win==2.0"}), (("-U",), NEW)],
)
def test_the_pins_of_each_target_are_kept(home: Path, run: Run, flags: tuple[str, ...], moved: set[str]) -> None:
    """A requirements file with markers as the existing lock: each target keeps its own pin, -P and -U release them."""
    (home / "reqs.in").write_text("app\n", encoding="utf-8")
    (home / "locked.txt").write_text(OLD, encoding="utf-8")

    ran = run("lock", "reqs.in", "-o", "locked.txt", "--no-hashes", *PYTHONS, *flags)

    assert ran.code == 0
    before = {row.split(" ")[0] for row in OLD.splitlines()}
    names = {row.split("==")[0] for row in moved}
    expected = {row for row in before if row.split("==")[0] not in names} | moved
    assert {row.split(" ")[0] for row in pins(home / "locked.txt")} == expected


def test_a_second_run_changes_nothing_and_a_check_says_so(home: Path, run: Run) -> None:
    """Every output is byte-identical; --check finds them fresh, and stale once the targets change."""
    (home / "reqs.in").write_text("app\n", encoding="utf-8")
    names = ("-o", "pylock.toml", "-o", "locked.txt", "-o", "report.json")
    assert run("lock", "reqs.in", *names, *PYTHONS).code == 0
    texts = [(home / name).read_bytes() for name in names[1::2]]

    again = run("lock", "reqs.in", *names, *PYTHONS)

    assert [(home / name).read_bytes() for name in names[1::2]] == texts
    assert "unchanged" in again.err
    assert "on 2 platforms" in again.err
    assert run("lock", "reqs.in", *names, *PYTHONS, "--check").code == 0
    assert run("lock", "reqs.in", *names, "--python-version", "3.12", "--platform", "linux", "--check").code != 0


def test_a_difference_names_the_releases_of_all_targets(home: Path, run: Run) -> None:
    """--diff -U writes nothing."""
    (home / "reqs.in").write_text("app\n", encoding="utf-8")
    (home / "locked.txt").write_text(OLD, encoding="utf-8")

    ran = run("lock", "reqs.in", "-o", "locked.txt", "--no-hashes", *PYTHONS, "-U", "--diff")

    assert ran.code == 0
    assert all(version in ran.out for version in ("1.1", "2.1"))
    assert (home / "locked.txt").read_text(encoding="utf-8") == OLD


def test_the_report_says_why_a_pin_is_not_the_newest(home: Path, run: Run) -> None:
    """A pin that an existing lock holds is called so, also where targets have different releases."""
    (home / "reqs.in").write_text("app\n", encoding="utf-8")
    (home / "locked.txt").write_text(OLD, encoding="utf-8")

    assert run("lock", "reqs.in", "-o", "locked.txt", "-o", "report.json", *PYTHONS).code == 0

    report = json.loads((home / "report.json").read_text(encoding="utf-8"))
    reasons = {(pin["name"], pin["version"]): pin["reason"] for row in report["targets"] for pin in row["pins"]}
    assert {reasons["lib", "1.0"], reasons["lib", "2.0"], reasons["win", "1.0"]} == {
        "an existing lock holds it (see -P and -U)"
    }
    assert [split["name"] for split in report["splits"]] == ["lib"]
    assert report["splits"][0]["releases"][0]["reasons"] == ["lib 2.0 requires Python >=3.12"]


def test_trees_and_reasons_are_those_of_a_target(run: Run) -> None:
    """What only Windows needs is in no tree of Linux."""
    for target, there in (("3.12 windows", True), ("3.10 linux", False)):
        assert ("win" in run("tree", "--packages", "app", "--target", target).out) is there
        assert (run("why", "win", "--packages", "app", "--target", target).code == 0) is there


def test_what_was_locked_for_many_targets_is_locked_offline_for_each(
    home: Path, run: Run, index: LoopbackIndex
) -> None:
    """The metadata of a wheel that was read for one Python serves the others of its platform, also for one target, offline.

    A platform of which nothing was read is still missing.
    """
    tags = [
        f"cp{minor}-cp{minor}-{platform}" for minor in (310, 312) for platform in ("manylinux_2_17_x86_64", "win_amd64")
    ]
    index.publish(
        "comp", *[wheel("comp", "1.0", ["win"], tags=tag) for tag in (*tags, "cp312-cp312-macosx_11_0_arm64")]
    )
    (home / "reqs.in").write_text("comp\n", encoding="utf-8")
    assert run("lock", "reqs.in", "-o", "all.txt", *PYTHONS).code == 0

    for version in ("3.10", "3.12"):
        for platform in ("linux", "windows"):
            target = ("--python-version", version, "--platform", platform)
            assert run("lock", "reqs.in", "--offline", "-o", f"{platform}{version}.txt", *target).code == 0
    assert run("lock", "reqs.in", "--offline", "-o", "again.txt", *PYTHONS).code == 0
    assert pins(home / "again.txt") == pins(home / "all.txt")
    assert (
        run("lock", "reqs.in", "--offline", "-o", "mac.txt", "--python-version", "3.12", "--platform", "macos").code
        == 4
    )


def test_the_wheels_of_all_platforms_are_asked_for_together(
    home: Path, run: Run, index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other platforms need is requested as soon as a project is listed, not when the first target has its answer."""
    tags = [
        f"cp{minor}-cp{minor}-{system}" for minor in (310, 312) for system in ("manylinux_2_17_x86_64", "win_amd64")
    ]
    index.publish("comp", *[wheel("comp", "1.0", ["app", "win"], tags=tag) for tag in tags])
    (home / "reqs.in").write_text("comp\n", encoding="utf-8")

    meeting = threading.Barrier(2)
    answer = index.answer

    def answer_both(path: str, headers: Mapping[str, str]) -> Answer:
        """Answer the first request for metadata of comp when there is a second one."""
        if path.startswith("/files/comp/"):
            meeting.wait(10)
        return answer(path, headers)

    monkeypatch.setattr(index, "answer", answer_both)

    assert run("lock", "reqs.in", "-o", "all.txt", *PYTHONS).code == 0

    assert not meeting.broken
    asked = index.paths("/files/comp/*")
    assert len(asked) == 2, asked
    assert all("cp310" in path for path in asked)  # of both platforms, and none for the other Python


def test_a_platform_without_a_wheel_asks_for_no_other_wheel(home: Path, run: Run, index: LoopbackIndex) -> None:
    """Metadata that is read for another platform of the same system serves a target that can install only the archive.

    It is in the mirror then, also for that target alone.
    """
    tags = [f"cp{minor}-cp{minor}-manylinux_2_17_x86_64" for minor in (310, 312)]
    index.publish(
        "comp", *[wheel("comp", "1.0", ["win"], tags=tag) for tag in tags], sdist("comp", "1.0", static=False)
    )
    (home / "reqs.in").write_text("comp\n", encoding="utf-8")
    arm = ("--platform", "linux_aarch64")
    pythons = ("--python-version", "3.10", "--python-version", "3.12")

    assert run("lock", "reqs.in", "-o", "all.txt", *pythons, "--platform", "linux", *arm).code == 0

    assert index.paths("/files/comp/*") == ["/files/comp/comp-1.0-cp310-cp310-manylinux_2_17_x86_64.whl.metadata"]
    for version in ("3.10", "3.12"):
        alone = ("--python-version", version, *arm, "--offline")
        assert run("lock", "reqs.in", "-o", f"arm{version}.txt", *alone).code == 0
        assert pins(home / f"arm{version}.txt")[-1] == "win==2.0"


@pytest.fixture
def comp(home: Path, index: LoopbackIndex) -> str:
    """Write a list that needs another wheel for each Python and platform of ``PYTHONS`` and macOS; return its name."""
    systems = ("manylinux_2_17_x86_64", "win_amd64", "macosx_11_0_arm64")
    tags = [f"cp{minor}-cp{minor}-{system}" for minor in (310, 312) for system in systems]
    index.publish("comp", *[wheel("comp", "1.0", ["app", "win"], tags=tag) for tag in tags])
    (home / "reqs.in").write_text("comp\n", encoding="utf-8")
    return "reqs.in"


EACH = [
    ("--python-version", version, "--platform", platform)
    for version in ("3.10", "3.12")
    for platform in ("linux", "windows")
]
MAC = ("--python-version", "3.12", "--platform", "macos")


def test_a_mirror_that_is_warmed_for_targets_serves_each_offline(run: Run, comp: str) -> None:
    """Also the lock for all of them; a target that it was not warmed for is missing, and is named."""
    assert run("mirror", "warm", comp, *PYTHONS).code == 0

    for target in (*EACH, PYTHONS):
        assert run("lock", comp, "--offline", "-o", "lock.txt", *target).code == 0
    lacking = run("lock", comp, "--offline", "-o", "lock.txt", *MAC)
    assert lacking.code == 4
    assert "comp 1.0: its dependencies are not in the mirror" in lacking.err


def test_a_mirror_is_verified_for_all_targets(run: Run, comp: str) -> None:
    """Complete for those that it was warmed for; with one more the remedy repeats all targets, and works."""
    assert run("mirror", "warm", comp, "--depth", "closure", *PYTHONS).code == 0

    assert run("mirror", "verify", comp, *PYTHONS).code == 0
    more = (*PYTHONS, "--platform", "macos")
    lacking = run("mirror", "verify", comp, *more)
    assert lacking.code == 4
    assert "1 of at least 8 releases that a re-resolve could reach has no metadata (comp 1)" in lacking.err
    remedy = next(line for line in lacking.err.splitlines() if "mirror warm --depth closure" in line)
    assert remedy.count("--python-version") == 2
    assert remedy.count("--platform") == 3
    assert run("mirror", "warm", comp, "--depth", "closure", *more).code == 0
    assert run("mirror", "verify", comp, *more).code == 0


def test_an_exported_file_holds_what_all_targets_need(home: Path, run: Run, comp: str) -> None:
    """Without the network, and without anything else of the mirror, each target and all together are locked from it."""
    assert run("mirror", "warm", comp, *PYTHONS).code == 0
    assert run("mirror", "warm", "--packages", "lib>=2", *PYTHONS[2:]).code == 0
    for version in ("3.10", "3.12"):
        assert run("mirror", "warm", comp, "--python-version", version, "--platform", "macos").code == 0

    assert run("mirror", "export", "part.snapshot", "--for", comp, *PYTHONS).code == 0

    for target in (*EACH, PYTHONS):
        ran = run("lock", comp, "--mirror", str(home / "part.snapshot"), "--offline", "-o", "lock.txt", *target)
        assert ran.code == 0, ran.err


def test_universal_fills_and_verifies_a_mirror(home: Path, run: Run, comp: str) -> None:
    """``--universal`` names the same targets for warm, verify, export and lock."""
    span = ("--universal", "--requires-python", ">=3.10,<3.13")
    comp_needs = "comp; python_version != '3.11' and sys_platform != 'darwin' and platform_machine != 'aarch64'"
    (home / comp).write_text(f"{comp_needs}\napp\n", encoding="utf-8")

    assert run("mirror", "warm", comp, "--depth", "closure", *span).code == 0
    assert run("mirror", "verify", comp, *span).code == 0
    assert run("mirror", "export", "all.snapshot", "--for", comp, *span).code == 0
    ran = run("lock", comp, "--mirror", str(home / "all.snapshot"), "--offline", "-o", "lock.txt", *span)
    assert ran.code == 0, ran.err
    assert 'lib==2.1 ; python_version >= "3.12"' in pins(home / "lock.txt")
