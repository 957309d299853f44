"""Extras and groups of a project in one lock: real pip installs parts of it, and what cannot hold them says so."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Ran, Workspace, check_refused

HEAD = """
[project]
name = "shop"
version = "1"
dependencies = ["http"]
"""
EXTRAS = """
[project.optional-dependencies]
old = ["urls<2", "toml"]
new = ["urls>=2", "rich"]
cli = ["rich"]

[dependency-groups]
lint = ["ruff"]
test = ["pytest", { include-group = "lint" }]
"""
OURS = '\n[tool.pipx-parallel]\nconflicts = [[{ extra = "old" }, { extra = "new" }]]\n'
UV = '\n[tool.uv]\nconflicts = [[{ extra = "old" }, { extra = "new" }]]\n'
ALL = ("lock", "pyproject.toml", "--all-extras", "--all-groups", "-o", "pylock.toml")


@pytest.fixture(autouse=True)
def projects(index: LoopbackIndex) -> None:
    """Publish what the project needs."""
    index.publish("http", wheel("http", "1.0", ["urls"]))
    index.publish("urls", wheel("urls", "1.0"), wheel("urls", "2.0"))
    index.publish("rich", wheel("rich", "1.0", ["pygments"]))
    index.publish("pytest", wheel("pytest", "1.0", ["pygments", "tomli; python_version < '3.11'"]))
    for name in ("toml", "pygments", "ruff", "tomli"):
        index.publish(name, wheel(name, "1.0"))


def installed(workspace: Workspace, *sources: str) -> dict[str, str]:
    """Return what pip installs."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--report", "-"]
    done = subprocess.run(
        [*command, *sources],
        cwd=workspace.folder,
        env=workspace.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [row["metadata"] for row in json.loads(done.stdout)["install"]]
    return {row["name"]: row["version"] for row in rows}


def alone(workspace: Workspace, *requirements: str) -> dict[str, str]:
    """Return what a lock of these requirements alone has."""
    workspace.write("alone.in", "\n".join(requirements))
    ran = workspace.run("lock", "alone.in", "-o", "pylock.alone.toml")
    assert ran.code == 0, ran.err
    return workspace.pins("pylock.alone.toml")


def markers(workspace: Workspace) -> dict[str, str | None]:
    """Return the marker of each release in the lock."""
    return {f"{row['name']} {row['version']}": row.get("marker") for row in workspace.packages()}


def lock_of(workspace: Workspace, text: str, *arguments: str) -> Ran:
    """Write the project and lock it."""
    workspace.write("pyproject.toml", text)
    return workspace.run(*(arguments or ALL))


def test_pip_installs_parts_of_one_lock(workspace: Workspace) -> None:
    """Two extras that conflict, a third, and two groups: each part is what a lock of it alone has."""
    ran = lock_of(workspace, HEAD + EXTRAS + OURS)

    assert ran.code == 0, ran.err
    assert installed(workspace, "-r", "pylock.toml") == alone(workspace, "http")
    assert installed(workspace, "-r", "pylock.toml[old]") == alone(workspace, "http", "urls<2", "toml")
    assert installed(workspace, "-r", "pylock.toml[new]") == alone(workspace, "http", "urls>=2", "rich")
    assert installed(workspace, "-r", "pylock.toml[cli,old]") == alone(workspace, "http", "urls<2", "toml", "rich")
    assert installed(workspace, "--group", "pylock.toml:lint") == alone(workspace, "ruff")
    assert installed(workspace, "--group", "pylock.toml:test") == alone(workspace, "pytest", "ruff")
    both = installed(workspace, "-r", "pylock.toml[old]", "--group", "pylock.toml:lint")
    assert both == alone(workspace, "http", "urls<2", "toml", "ruff")


def test_the_settings_of_uv_are_read(workspace: Workspace) -> None:
    """They say the same of the project; the table of another package of a workspace does not concern it."""
    lock_of(workspace, HEAD + EXTRAS + OURS)
    ours = markers(workspace)
    foreign = UV.replace("}]]", '}], [{ package = "other", extra = "x" }, { group = "lint" }]]')

    ran = lock_of(workspace, HEAD + EXTRAS + foreign)

    assert ran.code == 0, ran.err
    assert markers(workspace) == ours


def test_pip_refuses_two_parts_that_conflict(workspace: Workspace) -> None:
    """The lock selects two releases of one project then, which PEP 751 forbids."""
    lock_of(workspace, HEAD + EXTRAS + OURS)

    with pytest.raises(AssertionError, match="Multiple packages with the name 'urls' are selected"):
        installed(workspace, "-r", "pylock.toml[old,new]")


def test_a_lock_for_many_targets_has_both_in_its_markers(workspace: Workspace) -> None:
    """What only old Pythons need in a group."""
    ran = lock_of(
        workspace,
        HEAD + EXTRAS + OURS,
        *ALL,
        "--python-version",
        "3.10",
        "--python-version",
        "3.12",
        "--platform",
        "linux",
    )

    assert ran.code == 0, ran.err
    assert markers(workspace) == {
        "http 1.0": '"default" in dependency_groups or "cli" in extras or "old" in extras or "new" in extras',
        "pygments 1.0": '"cli" in extras or "test" in dependency_groups or "new" in extras',
        "pytest 1.0": '"test" in dependency_groups',
        "rich 1.0": '"cli" in extras or "new" in extras',
        "ruff 1.0": '"lint" in dependency_groups or "test" in dependency_groups',
        "toml 1.0": '"old" in extras',
        "tomli 1.0": '"test" in dependency_groups and python_version < "3.11"',
        "urls 1.0": '"old" in extras',
        "urls 2.0": '(("default" in dependency_groups or "cli" in extras) and "old" not in extras) or "new" in extras',
    }


def test_a_second_run_changes_nothing_and_pins_are_kept_per_part(workspace: Workspace, index: LoopbackIndex) -> None:
    """Newer releases come only with -P, and then in every part that may have them."""
    lock_of(workspace, HEAD + EXTRAS + OURS)
    before = workspace.read("pylock.toml")
    index.publish("urls", wheel("urls", "1.0"), wheel("urls", "1.5"), wheel("urls", "2.0"), wheel("urls", "3.0"))

    again = workspace.run(*ALL, "--refresh")
    check = workspace.run(*ALL, "--check")
    assert (again.code, workspace.read("pylock.toml")) == (0, before), again.err
    assert check.code == 0, check.err
    moved = workspace.run(*ALL, "-P", "urls")

    assert moved.code == 0, moved.err
    assert {name for name in markers(workspace) if name.startswith("urls ")} == {"urls 1.5", "urls 3.0"}


def test_extras_that_contradict_each_other_are_explained_with_the_declaration(workspace: Workspace) -> None:
    """The hint is the line to add; with it the lock is made."""
    ran = lock_of(workspace, HEAD + EXTRAS)

    line = 'conflicts = [[{ extra = "old" }, { extra = "new" }]]'
    assert ran.code == 1
    assert f"hint: [tool.pipx-parallel]: add {line}" in ran.err
    assert lock_of(workspace, f"{HEAD}{EXTRAS}\n[tool.pipx-parallel]\n{line}\n").code == 0


def test_an_extra_that_includes_another_inherits_its_conflicts(workspace: Workspace) -> None:
    """It can be installed with the one that it includes."""
    more = EXTRAS.replace("[dependency-groups]", 'all = ["shop[new,cli]"]\n\n[dependency-groups]')
    ran = lock_of(workspace, HEAD + more + OURS)

    assert ran.code == 0, ran.err
    assert installed(workspace, "-r", "pylock.toml[all]") == alone(workspace, "http", "urls>=2", "rich")
    assert installed(workspace, "-r", "pylock.toml[all,new]") == installed(workspace, "-r", "pylock.toml[all]")


@pytest.mark.parametrize("output", ["locked.txt", "install.sh", "install.ps1"])
def test_one_list_cannot_hold_parts_that_conflict(workspace: Workspace, output: str) -> None:
    """One clear error that names the way out; without a conflict all parts are in the list."""
    workspace.write("pyproject.toml", HEAD + EXTRAS + OURS)
    ran = workspace.run("lock", "--all-extras", "-o", output)

    assert ran.code == 2
    assert f"error: {output} is one list and cannot hold both extra old and extra new, which conflict" in ran.err
    assert "--extra old" in ran.err
    done = workspace.run("lock", "--extra", "old", "--extra", "cli", "--group", "lint", "-o", output)
    assert done.code == 0, done.err
    for pin in ("http==1.0", "urls==1.0", "rich==1.0", "ruff==1.0"):
        assert pin in workspace.read(output).decode()


def test_default_groups_are_installed_with_the_project(workspace: Workspace) -> None:
    """As the project's table says; another group is not."""
    lock_of(workspace, HEAD + EXTRAS + OURS + 'default-groups = ["lint"]\n')

    assert installed(workspace, "-r", "pylock.toml") == alone(workspace, "http", "ruff")


def test_a_lock_of_groups_alone_installs_them(workspace: Workspace) -> None:
    """There is nothing else to install."""
    ran = lock_of(workspace, '[dependency-groups]\nlint = ["ruff"]\n')

    assert ran.code == 0, ran.err
    assert installed(workspace, "-r", "pylock.toml") == {"ruff": "1.0"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('conflicts = [[{ extra = "old" }, { extra = "gone" }]]', ["the project has no extra gone", "cli, new, old"]),
        ('conflicts = [{ extra = "old" }]', ["conflicts is not a list of lists"]),
        ('conflicts = [[{ package = "old" }, "new"]]', ["is neither an extra nor a group"]),
        ('default-groups = ["docs"]', ["there is no dependency group", "docs", "lint, test"]),
        ("default-groups = 3", ["default-groups is not a list of groups"]),
    ],
)
def test_bad_settings_are_one_clear_error(workspace: Workspace, settings: str, words: list[str]) -> None:
    """With file and line, and what is there."""
    ran = lock_of(workspace, f"{HEAD}{EXTRAS}\n[tool.pipx-parallel]\n{settings}\n")

    workspace.folder.joinpath("pyproject.toml").unlink()
    check_refused(workspace, ran, 2, "pyproject.toml:17: ", *words)


def test_tree_why_and_the_report_tell_conflicting_parts_apart(workspace: Workspace) -> None:
    """Each part is named; a project that is in some parts alone is found there."""
    lock_of(workspace, HEAD + EXTRAS + OURS)
    wanted = ("--all-extras", "--all-groups")

    tree, why = workspace.run("tree", *wanted), workspace.run("why", "toml", *wanted)
    report = workspace.run("lock", *wanted, "-o", "report.json")

    assert (tree.code, why.code, report.code) == (0, 0, 0), tree.err + why.err + report.err
    assert [line.partition(" with ")[2] for line in tree.out.splitlines() if line.startswith("# ")] == [
        "",
        "extra old",
        "extra new",
    ]
    assert "with extra old" in why.out
    assert "extra new" not in why.out
    forks = [row.get("fork") for row in json.loads(workspace.read("report.json"))["targets"]]
    assert forks == [None, [{"kind": "extra", "name": "old"}], [{"kind": "extra", "name": "new"}]]


def test_a_lock_as_source_gives_the_parts_that_are_named(workspace: Workspace) -> None:
    """And the project's own dependencies."""
    lock_of(workspace, HEAD + EXTRAS + OURS)

    ran = workspace.run("lock", "pylock.toml", "--extra", "old", "-o", "old.txt", "--no-hashes", "--no-header")

    assert ran.code == 0, ran.err
    names = {line.partition(" ")[0] for line in workspace.read("old.txt").decode().splitlines() if "==" in line}
    assert names == {"http==1.0", "toml==1.0", "urls==1.0"}


def test_a_part_that_needs_an_old_release_does_not_hold_back_the_others(workspace: Workspace) -> None:
    """What was chosen without any of the conflicting parts comes first in each set of them."""
    more = OURS.replace("}]]", '}], [{ group = "lint" }, { extra = "cli" }]]')

    lock_of(workspace, HEAD + EXTRAS + more, *ALL, "--python-version", "3.11", "--python-version", "3.12")

    assert markers(workspace)["urls 1.0"] == '"old" in extras'


@pytest.mark.parametrize("targets", [(), ("--python-version", "3.11", "--python-version", "3.12")])
def test_an_extra_that_includes_both_sides_of_a_conflict_is_named(
    workspace: Workspace, targets: tuple[str, ...]
) -> None:
    """It can never be installed: the hint says what it includes; without it the lock is made."""
    more = EXTRAS.replace(
        "[dependency-groups]", 'both = ["shop[more,new]"]\nmore = ["shop[old]"]\n\n[dependency-groups]'
    )
    workspace.write("pyproject.toml", HEAD + more + OURS)
    ran = workspace.run(*ALL, *targets)

    assert ran.code == 1
    assert "hint: extra both includes extra old and extra new, which conflict" in ran.err
    assert "for with" not in ran.err
    named = ("--extra", "old", "--extra", "new", "--extra", "more", "-o", "pylock.toml")
    assert workspace.run("lock", "pyproject.toml", *named, *targets).code == 0


@pytest.mark.parametrize(
    ("flags", "targets", "words"),
    [
        (("--all-extras",), "3.11", "extras"),
        (("--all-extras",), "3.11 3.12", "extras"),
        (("--extra", "pin"), "3.11 3.12", "targets"),
        (("--extra", "pin", "--extra", "old", "--extra", "new"), "3.11 3.12", "extras or targets"),
    ],
)
def test_what_has_different_releases_is_said(
    workspace: Workspace, index: LoopbackIndex, flags: tuple[str, ...], targets: str, words: str
) -> None:
    """Extras if only they differ, targets if only these do, both if both do."""
    pin = "pin = [\"pygments<2; python_version < '3.12'\", \"pygments>=2; python_version >= '3.12'\"]\n"
    more = EXTRAS if flags == ("--all-extras",) else EXTRAS.replace("cli =", f"{pin}cli =")
    index.publish("pygments", wheel("pygments", "2.0"))
    workspace.write("pyproject.toml", HEAD + more + OURS)
    pythons = [word for version in targets.split() for word in ("--python-version", version)]
    ran = workspace.run("lock", "pyproject.toml", *flags, "-o", "pylock.toml", *pythons)

    assert ran.code == 0, ran.err
    assert f"different releases for some {words}: " in ran.err
