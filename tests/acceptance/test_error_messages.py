"""An error is one clear message with file and line, the documented exit code, and no file left behind."""

from __future__ import annotations

import json
import tomllib

import pytest

from tests.support.dists import sdist, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, check_refused, locked

CHAIN = {"app": "2.0", "base": "1.0", "lib": "2.0"}
LATER = "2025-06-01T00:00:00.000000Z"
ALL_OUTPUTS = ("pylock.toml", "locked.txt", "install.sh", "install.ps1", "report.json")


def test_a_missing_package_stops_the_lock_and_names_the_nearest(workspace: Workspace, index: LoopbackIndex) -> None:
    """Nothing is written; everything else that is wrong is reported in the same message."""
    index.publish("requests", wheel("requests", "1.0"))
    workspace.lock("requests")

    ran = workspace.run(
        "lock", "r.txt", *[word for name in ALL_OUTPUTS for word in ("-o", name)], "--packages", "reqeusts,zzz"
    )

    (workspace.folder / "pylock.toml").unlink()
    check_refused(
        workspace, ran, 1, "2 projects not available", "reqeusts", "did you mean 'requests'?", "zzz", "--packages"
    )


def test_resolve_goes_on_with_the_rest(workspace: Workspace) -> None:
    """The answer for the others on stdout, a warning, and an exit code that is not 0."""
    ran = workspace.run("resolve", "--packages", "app,ghost", "--format", "requirements")

    assert ran.code == 1
    assert [line.split()[0] for line in ran.out.splitlines() if "==" in line] == ["app==2.0", "base==1.0", "lib==2.0"]
    assert ran.err.startswith("warning: ghost: no index has a project of this name")
    assert "Traceback" not in ran.err


def test_warming_goes_on_with_the_rest(workspace: Workspace) -> None:
    """Afterwards the rest can be locked offline."""
    ran = workspace.run("mirror", "warm", "--packages", "app,ghost")

    assert (ran.code, ran.out) == (1, "")
    assert "warning: ghost" in ran.err
    assert locked(workspace, "app", flags=["--offline"]) == CHAIN


def test_resolve_goes_on_where_a_dependency_does_not_exist(workspace: Workspace, index: LoopbackIndex) -> None:
    """One project that is not there stops nothing else, whoever asks for it."""
    index.publish("needy", wheel("needy", "1.0", ["ghost"]))

    ran = workspace.run("resolve", "--packages", "app,needy", "--format", "requirements")

    assert ran.code == 1
    pins = [line.split()[0] for line in ran.out.splitlines() if "==" in line]
    assert pins == ["app==2.0", "base==1.0", "lib==2.0", "needy==1.0"]
    assert "ghost" in ran.err


def test_lock_explains_a_dependency_that_does_not_exist(workspace: Workspace, index: LoopbackIndex) -> None:
    """Who needs it, and since which line."""
    index.publish("needy", wheel("needy", "1.0", ["ghost"]))

    check_refused(
        workspace, workspace.lock("app", "needy"), 1, "r.txt:2 asks for needy", "needy 1.0 needs ghost", "no index has"
    )


def test_an_older_release_without_the_missing_dependency_is_an_answer(
    workspace: Workspace, index: LoopbackIndex
) -> None:
    """That a project does not exist is a fact, not a fault."""
    index.publish("needy", wheel("needy", "1.0"), wheel("needy", "2.0", ["ghost"]))

    assert locked(workspace, "needy") == {"needy": "1.0"}


def test_keep_going_marks_what_is_missing_in_every_artifact(workspace: Workspace) -> None:
    """Nobody may take it for a whole lock."""
    workspace.write("r.txt", "app\nghost\n")

    ran = workspace.run("lock", "r.txt", "--keep-going", *[word for name in ALL_OUTPUTS for word in ("-o", name)])

    assert ran.code == 1
    assert workspace.names() == sorted([*ALL_OUTPUTS, "r.txt"])
    assert [name for name in ALL_OUTPUTS if b"ghost" not in workspace.read(name)] == []
    assert {package["name"] for package in workspace.packages()} == set(CHAIN)
    assert [row["name"] for row in json.loads(workspace.read("report.json"))["targets"][0]["missing"]] == ["ghost"]
    assert "ghost" in str(tomllib.loads(workspace.read("pylock.toml").decode())["tool"])


def test_an_impossible_pair_is_argued_with_files_and_lines(workspace: Workspace, index: LoopbackIndex) -> None:
    """Both lines, and what lies between them."""
    index.publish("picky", wheel("picky", "1.0", ["lib<2"]))
    workspace.write("more.txt", "\nlib>=2\n")

    ran = workspace.lock("picky", "app", "-r more.txt")

    check_refused(workspace, ran, 1, "r.txt:1 asks for picky", "picky 1.0 needs lib<2", "more.txt:2 asks for lib>=2")
    assert "app" not in ran.err


def test_a_version_that_does_not_exist_is_reported_with_the_newest(workspace: Workspace) -> None:
    """A typing error in a number."""
    check_refused(workspace, workspace.lock("lib>=9"), 1, "r.txt:1 asks for lib>=9", "no release of lib", "2.0")


def test_a_syntax_error_on_line_7(workspace: Workspace) -> None:
    """File and line."""
    check_refused(
        workspace, workspace.lock("# pins", "app", "lib", "", "# more", "", "base >>> 1"), 2, "r.txt:7", "base >>> 1"
    )


def test_a_loop_of_includes(workspace: Workspace) -> None:
    """The way round is shown."""
    workspace.write("a.txt", "app\n-r r.txt\n")

    check_refused(workspace, workspace.lock("lib", "-r a.txt"), 2, "a.txt:2", "r.txt")


def test_an_option_that_is_not_honoured(workspace: Workspace) -> None:
    """An error with file and line; never ignored."""
    check_refused(workspace, workspace.lock("app", "--no-such-option x"), 2, "r.txt:2", "--no-such-option")


def test_a_file_that_is_not_there(workspace: Workspace) -> None:
    """The line that includes it is named."""
    check_refused(workspace, workspace.lock("app", "-r gone.txt"), 2, "r.txt:2", "gone.txt")


def test_a_project_that_needs_a_build_is_named(workspace: Workspace, index: LoopbackIndex) -> None:
    """Where building is not allowed."""
    index.publish("old", sdist("old", "1.0", ["lib"], static=False))

    check_refused(
        workspace, workspace.lock("app", "old", flags=["--no-build"]), 1, "old-1.0.tar.gz", "build", "r.txt:2"
    )


def test_a_static_sdist_needs_no_build(workspace: Workspace, index: LoopbackIndex) -> None:
    """PEP 643."""
    index.publish("old", sdist("old", "1.0", ["lib<2"]))

    assert locked(workspace, "old") == {"lib": "1.0", "old": "1.0"}


def test_a_mirror_that_cannot_be_written_is_one_clear_error(workspace: Workspace) -> None:
    """A file is in the way."""
    workspace.write("taken.txt", "")

    check_refused(workspace, workspace.lock("app", flags=["--mirror", "taken.txt/mirror"]), 2, "taken.txt")


@pytest.mark.parametrize("name", ["pylock.toml", "locked.txt", "install.sh"])
def test_an_output_that_cannot_be_written_leaves_the_others_alone(workspace: Workspace, name: str) -> None:
    """All or nothing."""
    workspace.write("r.txt", "app\n")
    others = [word for other in ALL_OUTPUTS if other != name for word in ("-o", other)]

    ran = workspace.run("lock", "r.txt", *others, "-o", f"nowhere/{name}")

    check_refused(workspace, ran, 2, "nowhere")
    assert workspace.names() == ["r.txt"]


def test_a_fault_of_a_release_that_is_not_chosen_stops_nothing(workspace: Workspace, index: LoopbackIndex) -> None:
    """What nobody needs in the end need not be had."""
    index.publish("pkg", wheel("pkg", "2.0", ["broken", "lib<2"]), wheel("pkg", "1.0"))
    index.fail("/simple/broken/", times=99, status=500)

    assert locked(workspace, "lib>=2", "pkg", flags=["--retries", "0"]) == {"base": "1.0", "lib": "2.0", "pkg": "1.0"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tool>=2.1,<2.3", "(its newest is 2.0)"),
        ("tool", "2.0 requires Python >=99"),
        ("tool>=1.5", "tool 2.0 requires Python >=99"),
    ],
)
def test_no_release_after_the_cutoff_is_a_reason(
    workspace: Workspace, index: LoopbackIndex, line: str, words: str
) -> None:
    """What did not exist then explains nothing."""
    old = [wheel("tool", "1.0", requires_python=">=98"), wheel("tool", "2.0", requires_python=">=99")]
    index.publish("tool", *old, wheel("tool", "4.0", upload_time=LATER), wheel("tool", "2.5", upload_time=LATER))

    ran = workspace.lock(line, flags=["--uploaded-prior-to", "2025-01-01"])

    check_refused(workspace, ran, 1, words)
    argument = [text for text in ran.err.splitlines() if not text.startswith("hint: ")]
    assert [text for text in argument if "4.0" in text or "2.5" in text] == []


def test_an_extra_is_never_asked_for_as_a_project(workspace: Workspace, index: LoopbackIndex) -> None:
    """Nor while the argument of an impossible list is worded."""
    index.publish("tool", wheel("tool", "1.0", extras={"fast": ["lib<2"]}))
    index.publish("user", wheel("user", "1.0", ["tool[fast]"]))

    ran = workspace.lock("user", "lib>=2")

    check_refused(workspace, ran, 1, "tool[fast] 1.0 needs lib<2")
    assert index.paths("*%5B*") == index.paths("*[[]*") == []
