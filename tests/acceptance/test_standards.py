"""The packaging standards, as they show in a lock."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.dists import Dist, sdist, wheel
from tests.support.index_pages import HTML_ONLY
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, check_refused, locked

MANY = 30  # releases: more than are classified when a listing arrives
NEXT_PYTHON = f">={sys.version_info[0]}.{sys.version_info[1] + 1}"


def yanked(dist: Dist) -> Dist:
    """Return the file as a yanked one."""
    return dist._replace(yanked="broken")


# --- PEP 592: yanked releases -----------------------------------------------------------------------------------------


def test_a_yanked_release_is_not_chosen(workspace: Workspace, index: LoopbackIndex) -> None:
    """Not even as the newest."""
    index.publish("pkg", wheel("pkg", "1.0"), yanked(wheel("pkg", "2.0")))

    assert locked(workspace, "pkg>=1") == {"pkg": "1.0"}


def test_a_yanked_release_is_taken_by_an_exact_pin(workspace: Workspace, index: LoopbackIndex) -> None:
    """== and ===."""
    index.publish("pkg", wheel("pkg", "1.0"), yanked(wheel("pkg", "2.0")))

    assert locked(workspace, "pkg==2.0") == {"pkg": "2.0"}
    assert locked(workspace, "pkg===2.0") == {"pkg": "2.0"}


def test_a_yanked_release_is_no_answer_to_a_range(workspace: Workspace, index: LoopbackIndex) -> None:
    """Also where it is the only one that fits; the message says why."""
    index.publish("pkg", wheel("pkg", "1.0"), yanked(wheel("pkg", "2.0")))

    check_refused(workspace, workspace.lock("pkg>=2"), 1, "r.txt:1 asks for pkg>=2", "2.0", "yanked")


def test_a_release_is_yanked_only_if_all_its_files_are(workspace: Workspace, index: LoopbackIndex) -> None:
    """The file that is left is the one to install."""
    index.publish("pkg", wheel("pkg", "1.0"), wheel("pkg", "2.0"), yanked(sdist("pkg", "2.0", ["lib"])))

    assert locked(workspace, "pkg") == {"pkg": "2.0"}


def test_an_old_yanked_release_is_not_chosen_either(workspace: Workspace, index: LoopbackIndex) -> None:
    """Old releases are classified late; the result is the same."""
    releases = [wheel("pkg", f"{number}.0") for number in range(MANY)]
    releases[3] = yanked(releases[3])
    index.publish("pkg", *releases)

    assert locked(workspace, "pkg<4") == {"pkg": "2.0"}
    assert locked(workspace, "pkg==3.0") == {"pkg": "3.0"}


def test_an_old_yanked_release_on_an_html_page(workspace: Workspace, index: LoopbackIndex) -> None:
    """data-yanked."""
    index.flavour = HTML_ONLY
    index.publish("pkg", wheel("pkg", "1.0"), yanked(wheel("pkg", "2.0")))

    assert locked(workspace, "pkg") == {"pkg": "1.0"}


# --- PEP 440: pre-releases --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirement", "flags", "version"),
    [
        ("pkg", [], "1.0"),
        ("pkg>=0.5", [], "1.0"),
        ("pkg", ["--pre"], "2.0rc1"),
        ("pkg>=2.0rc1", [], "2.0rc1"),
        ("pkg==2.0rc1", [], "2.0rc1"),
        ("pkg>1.0", [], "2.0rc1"),
        ("pkg<2.0rc2", [], "2.0rc1"),
    ],
)
def test_pre_releases(
    workspace: Workspace, index: LoopbackIndex, requirement: str, flags: list[str], version: str
) -> None:
    """Taken where they are asked for, or nothing else fits (as pip does)."""
    index.publish("pkg", wheel("pkg", "0.9"), wheel("pkg", "1.0"), wheel("pkg", "2.0rc1"))

    assert locked(workspace, requirement, flags=flags) == {"pkg": version}


def test_a_project_with_nothing_but_pre_releases(workspace: Workspace, index: LoopbackIndex) -> None:
    """The newest of them."""
    index.publish("pkg", wheel("pkg", "0.9b1"), wheel("pkg", "0.9b2"), wheel("pkg", "0.9.dev3"))

    assert locked(workspace, "pkg") == {"pkg": "0.9b2"}


def test_a_dependency_of_a_pre_release_stays_final(workspace: Workspace, index: LoopbackIndex) -> None:
    """Asking for one pre-release asks for no other."""
    index.publish("pkg", wheel("pkg", "1.0rc1", ["dep"]))
    index.publish("dep", wheel("dep", "1.0"), wheel("dep", "2.0a1"))

    assert locked(workspace, "pkg==1.0rc1") == {"dep": "1.0", "pkg": "1.0rc1"}


# --- Requires-Python --------------------------------------------------------------------------------------------------


def test_requires_python_on_the_page(workspace: Workspace, index: LoopbackIndex) -> None:
    """A release for a later Python is passed over."""
    index.publish("pkg", wheel("pkg", "1.0"), wheel("pkg", "2.0", requires_python=NEXT_PYTHON))

    assert locked(workspace, "pkg") == {"pkg": "1.0"}


def test_requires_python_in_the_metadata_alone(workspace: Workspace, index: LoopbackIndex) -> None:
    """An index may not repeat it."""
    silent = wheel("pkg", "2.0", requires_python=NEXT_PYTHON)._replace(requires_python=None)
    index.publish("pkg", wheel("pkg", "1.0"), silent)

    assert locked(workspace, "pkg") == {"pkg": "1.0"}


def test_requires_python_decides_file_by_file(workspace: Workspace, index: LoopbackIndex) -> None:
    """One file for this Python makes the release usable, with that file's needs."""
    old = wheel("pkg", "2.0", ["lib"], requires_python=">=3")
    new = wheel("pkg", "2.0", ["base"], requires_python=NEXT_PYTHON, tags="py4-none-any")
    index.publish("pkg", wheel("pkg", "1.0"), old, new)

    assert locked(workspace, "pkg") == {"base": "1.0", "lib": "2.0", "pkg": "2.0"}


def test_a_project_for_another_python_is_explained(workspace: Workspace, index: LoopbackIndex) -> None:
    """What it asks for is in the message."""
    index.publish("pkg", wheel("pkg", "1.0", requires_python=NEXT_PYTHON))

    check_refused(workspace, workspace.lock("pkg"), 1, "r.txt:1 asks for pkg", f"requires Python {NEXT_PYTHON}")


def test_an_old_release_for_this_python_is_found(workspace: Workspace, index: LoopbackIndex) -> None:
    """However many newer ones are for a later one."""
    releases = [
        wheel("pkg", f"{number}.0", requires_python=NEXT_PYTHON if number > 4 else None) for number in range(MANY)
    ]
    index.publish("pkg", *releases)

    assert locked(workspace, "pkg") == {"pkg": "4.0"}


# --- tags -------------------------------------------------------------------------------------------------------------


def test_a_release_without_a_file_for_this_target_is_skipped(workspace: Workspace, index: LoopbackIndex) -> None:
    """PEP 425."""
    index.publish("pkg", wheel("pkg", "1.0"), wheel("pkg", "2.0", tags="cp27-cp27m-win32"))

    assert locked(workspace, "pkg") == {"pkg": "1.0"}


def test_a_project_without_a_file_for_this_target_is_explained(workspace: Workspace, index: LoopbackIndex) -> None:
    """What its newest release lacks."""
    index.publish("pkg", wheel("pkg", "2.0", tags="cp27-cp27m-win32"))

    check_refused(
        workspace, workspace.lock("pkg"), 1, "r.txt:1 asks for pkg", "no wheel for this target and no source archive"
    )


def test_another_target_gets_its_own_files(workspace: Workspace, index: LoopbackIndex) -> None:
    """--platform and --python-version."""
    index.publish(
        "pkg", wheel("pkg", "1.0"), wheel("pkg", "2.0", ["lib; python_version < '3'"], tags="cp312-cp312-win_amd64")
    )

    flags = ["--python-version", "3.12", "--platform", "win_amd64", "--implementation", "cp", "--only-binary", ":all:"]

    assert locked(workspace, "pkg", flags=flags) == {"pkg": "2.0"}


# --- extras, markers, constraints, hashes -----------------------------------------------------------------------------


def test_extras_bring_in_what_they_name(workspace: Workspace, index: LoopbackIndex) -> None:
    """Of the user, of a dependency, and one extra of another of the same project."""
    index.publish(
        "pkg", wheel("pkg", "1.0", ["lib<2"], {"fast": ["speed"], "all": ["pkg[fast]", "base"], "odd.One": ["app"]})
    )
    index.publish("speed", wheel("speed", "1.0"))
    index.publish("user", wheel("user", "1.0", ["pkg[all]"]))

    assert locked(workspace, "pkg") == {"lib": "1.0", "pkg": "1.0"}
    assert locked(workspace, "user") == {"base": "1.0", "lib": "1.0", "pkg": "1.0", "speed": "1.0", "user": "1.0"}
    assert locked(workspace, "pkg[Odd_one]") == {"app": "2.0", "lib": "1.0", "pkg": "1.0"}


def test_an_extra_that_does_not_exist_adds_nothing(workspace: Workspace) -> None:
    """As pip, which warns."""
    assert locked(workspace, "lib[nothing]<2") == {"lib": "1.0"}


def test_markers_decide(workspace: Workspace, index: LoopbackIndex) -> None:
    """The user's, and those of metadata."""
    index.publish("pkg", wheel("pkg", "1.0", ["base; python_version < '3'", "lib<2; python_version >= '3'"]))

    assert locked(workspace, "pkg", "app; sys_platform == 'never'") == {"lib": "1.0", "pkg": "1.0"}


def test_constraints_bound_but_bring_nothing_in(workspace: Workspace) -> None:
    """-c in the file, and on the command line."""
    workspace.write("c.txt", "lib<2\nstranger==1\n")

    assert locked(workspace, "app", "-c c.txt") == {"app": "2.0", "lib": "1.0"}
    assert locked(workspace, "app", flags=["-c", "c.txt"]) == {"app": "2.0", "lib": "1.0"}


def test_an_impossible_constraint_is_named(workspace: Workspace) -> None:
    """With its file and line."""
    workspace.write("c.txt", "# none\nlib<1\n")

    check_refused(workspace, workspace.lock("app", "-c c.txt"), 1, "r.txt:1 asks for app", "c.txt:2", "lib<1")


def test_hashes_of_a_root_choose_among_its_releases(workspace: Workspace, index: LoopbackIndex) -> None:
    """--hash: only files that have one of these may be installed."""
    index.publish("pkg", wheel("pkg", "1.0"), wheel("pkg", "2.0"))

    assert locked(workspace, f"pkg --hash=sha256:{wheel('pkg', '1.0').sha256}") == {"pkg": "1.0"}
    (package,) = workspace.packages()
    assert [file["hashes"]["sha256"] for file in package["wheels"]] == [wheel("pkg", "1.0").sha256]


def test_hashes_of_a_root_choose_among_the_files_of_a_release(workspace: Workspace, index: LoopbackIndex) -> None:
    """Only the file that was named is locked."""
    good, other = wheel("pkg", "1.0"), sdist("pkg", "1.0")
    index.publish("pkg", good, other)

    locked(workspace, f"pkg==1.0 --hash=sha256:{good.sha256}")

    (package,) = workspace.packages()
    assert "sdist" not in package
    assert [file["hashes"]["sha256"] for file in package["wheels"]] == [good.sha256]


def test_hashes_that_no_file_has_are_one_clear_error(workspace: Workspace, index: LoopbackIndex) -> None:
    """With the line that asks for them."""
    index.publish("pkg", wheel("pkg", "1.0"))

    check_refused(workspace, workspace.lock("app", f"pkg==1.0 --hash=sha256:{'0' * 64}"), 1, "r.txt:2", "pkg", "hash")


def test_direct_requirements_stay_newest(workspace: Workspace, index: LoopbackIndex) -> None:
    """A transitive package gives way before a direct one."""
    index.publish("cloud", *[wheel("cloud", f"{n}.0", [f"core=={n}.0"]) for n in range(1, MANY)])
    index.publish("core", *[wheel("core", f"{n}.0", ["net<2"]) for n in range(1, MANY)])
    index.publish("net", wheel("net", "1.0"), wheel("net", "2.0"))
    index.publish("web", wheel("web", "1.0", ["net"]))

    assert locked(workspace, "cloud", "web") == {"cloud": "29.0", "core": "29.0", "net": "1.0", "web": "1.0"}


def test_a_lock_keeps_its_pins_and_still_says_what_is_newer(workspace: Workspace) -> None:
    """Until -U; the report tells a pin that an older lock holds from the newest."""
    locked(workspace, "lib<2")
    workspace.write("r.txt", "lib\n")

    ran = workspace.run("lock", "r.txt", "-o", "pylock.toml", "-o", "report.json")

    (pin,) = json.loads(workspace.read("report.json"))["targets"][0]["pins"]
    assert ran.code == 0, ran.err
    assert (workspace.pins(), pin["latest"], pin["reason"]) == (
        {"lib": "1.0"},
        "2.0",
        "an existing lock holds it (see -P and -U)",
    )
    assert workspace.run("lock", "r.txt", "-o", "pylock.toml", "-U").code == 0
    assert workspace.pins() == {"base": "1.0", "lib": "2.0"}
