"""``tree`` and ``why``: the graph of an answer, for people and programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex

TAGS = ("py3-none-any", "cp27-none-win32", "cp311-cp311-win_amd64")


def test_the_tree_goes_from_the_users_lines_down(home: Path, run: Run) -> None:
    """Each project with its release, below who asked for it."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")

    ran = run("tree", "r.txt")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == ["app 2.0 (app, r.txt:1)", "└── lib 2.0 (lib)"]


def test_the_tree_goes_up_as_well(run: Run) -> None:
    """--invert starts from one project."""
    assert run("tree", "--packages", "app", "--invert", "lib").out.splitlines()[0] == "lib 2.0"


def test_the_tree_for_programs(run: Run) -> None:
    """JSON and DOT."""
    assert json.loads(run("tree", "--packages", "app", "--format", "json").out)["packages"][0]["name"] == "app"
    assert run("tree", "--packages", "app", "--format", "dot").out.startswith("digraph")


def test_depth_cuts_the_tree(run: Run) -> None:
    """--depth 0 draws the first level alone; nonsense is refused."""
    assert len(run("tree", "--packages", "app", "--depth", "0").out.splitlines()) == 1
    assert run("tree", "--packages", "app", "--depth", "-1").code == 2


def test_why_names_who_asked_and_what_holds(home: Path, run: Run) -> None:
    """The user's line, and the reason a release is not the newest."""
    (home / "r.txt").write_text("app\n\npicky\n", encoding="utf-8")

    ran = run("why", "lib", "r.txt")

    assert ran.code == 0, ran.err
    assert "lib 1.0" in ran.out
    assert "r.txt:3" in ran.out
    assert "not the newest: 2.0 is out" in ran.out
    assert "picky" in ran.out.splitlines()[-1]


def test_why_names_every_package_that_requires_it(home: Path, run: Run, index: LoopbackIndex) -> None:
    """The shortest chain of each, shortest first; of many, the others are counted and named, and JSON has them all."""
    names = [f"p{number:02}" for number in range(25)]
    for name in names:
        index.publish(name, wheel(name, "1.0", ["lib"]))
    index.publish("top", wheel("top", "1.0", ["app", "mid"]))
    index.publish("mid", wheel("mid", "1.0", ["picky"]))
    (home / "few.in").write_text("top\nlib\n", encoding="utf-8")
    (home / "many.in").write_text("\n".join(names), encoding="utf-8")

    few, many = run("why", "lib", "few.in"), run("why", "lib", "many.in")
    chains = json.loads(run("why", "lib", "many.in", "--format", "json").out)["chains"]

    assert few.out.splitlines()[1:-1] == [
        "  few.in:2: lib",
        "  few.in:1: top → top 1.0: app → app 2.0: lib",
        "  few.in:1: top → top 1.0: mid → mid 1.0: picky → picky 1.0: lib<2",
    ]
    assert many.out.splitlines()[21] == "  and 5 more: p20, p21, p22, p23, p24 (tree --invert lib shows all)"
    assert [row["chain"][0] for row in chains] == names


@pytest.mark.parametrize("command", ["why", "why-not"])
@pytest.mark.parametrize(("words", "wanted"), [("1.0", "lib==1.0"), (">=2", "'lib>=2'"), ("==1.0", "lib==1.0")])
def test_a_name_and_a_release_are_one_word(run: Run, command: str, words: str, wanted: str) -> None:
    """As two words the second one is a SOURCE, which does not exist: the hint is what to write."""
    ran = run(command, "lib", words)

    assert (ran.code, ran.out) == (2, "")
    assert f"hint: to ask for a release: why-not {wanted}\n" in ran.err
    assert "--packages" not in ran.err


def test_equal_targets_are_shown_once(home: Path, run: Run) -> None:
    """And those that differ under their names, all Pythons of a platform as one."""
    (home / "r.in").write_text("app\npicky; sys_platform == 'win32'\n", encoding="utf-8")
    words = (
        "r.in",
        "--python-version",
        "3.12",
        "--python-version",
        "3.13",
        "--platform",
        "linux",
        "--platform",
        "windows",
    )

    tree, why, same = run("tree", *words), run("why", "picky", *words), run("why", "app", *words)

    assert [line for line in tree.out.splitlines() if "app" in line or "#" in line] == [
        "# cpython 3.12-3.13 linux x86_64",
        "app 2.0 (app, r.in:1)",
        "# cpython 3.12-3.13 win32 AMD64",
        "app 2.0 (app, r.in:1)",
    ]
    assert why.out.splitlines()[:2] == ["# cpython 3.12-3.13 win32 AMD64", "picky 1.0"]
    assert same.out.count("app 2.0") == 1
    assert "#" not in same.out


def test_why_of_a_package_outside_the_lock_is_a_usage_error(run: Run) -> None:
    """Nothing asks for it: 2."""
    ran = run("why", "numpy", "--packages", "app")

    assert (ran.code, ran.out) == (2, "")
    assert "is not in this lock" in ran.err


def test_why_for_programs(run: Run) -> None:
    """JSON, with the chain."""
    assert json.loads(run("why", "lib", "--packages", "app", "--format", "json").out)["version"] == "2.0"


def test_why_not_shows_what_would_change(home: Path, run: Run) -> None:
    """The older lib that picky asks for moves nothing else."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")

    ran = run("why-not", "lib<2", "r.txt")

    assert (ran.code, ran.out.splitlines()[0]) == (0, "lib<2 is possible; changes:")
    assert [line.split("  (")[0] for line in ran.out.splitlines()[1:-1]] == ["  ↓ lib  2.0 → 1.0"]


def test_why_not_argues_where_it_cannot_be(home: Path, run: Run) -> None:
    """With the user's lines, and a way out that is not to stop asking."""
    (home / "r.txt").write_text("app\npicky\n", encoding="utf-8")

    ran = run("why-not", "lib>=2", "r.txt")

    assert ran.code == 1
    assert ran.out.splitlines() == [
        "lib>=2 is not possible:",
        "  the command line asks for lib>=2",
        "  r.txt:2 asks for picky",
        "  picky 1.0 needs lib<2",
        "  so no set of releases meets them all",
        "  hint: r.txt:2: remove picky",
    ]


def test_why_not_where_it_holds_already(run: Run) -> None:
    """Nothing to do; and the same for programs."""
    assert run("why-not", "lib>=1", "--packages", "app").out == "lib>=1 is already satisfied\n"
    assert json.loads(run("why-not", "lib>=1", "--packages", "app", "--format", "json").out)["possible"] is True


def test_an_impossible_list_for_programs(home: Path, run: Run) -> None:
    """--error-format json: one object on stderr, nothing on stdout, the same exit code."""
    (home / "r.txt").write_text("lib>=2\npicky\n", encoding="utf-8")

    ran = run("lock", "r.txt", "--error-format", "json")

    report = json.loads(ran.err)
    assert (ran.code, ran.out, report["code"], report["exit-code"]) == (1, "", "no-solution", 1)
    assert [fact["kind"] for fact in report["facts"]] == ["required", "required", "needs"]
    assert report["suggestions"][0]["after"] == "lib"


def test_sizes_of_a_tree(run: Run) -> None:
    """Of the file to install of each, and their sum; from a lock the same."""
    ran = run("tree", "--packages", "app", "--sizes")
    run("lock", "--packages", "app", "-o", "pylock.toml")
    locked = run("tree", "pylock.toml", "--sizes")

    assert re.search(r"^app 2\.0 \[\d+ bytes\]", ran.out, re.MULTILINE), ran.out
    assert re.search(r"^2 files, [\d.]+ k?B?(bytes)? ?to download$", ran.out, re.MULTILINE), ran.out
    assert ran.out.splitlines()[-1] == locked.out.splitlines()[-1]


def test_duplicates_of_a_tree(home: Path, run: Run) -> None:
    """What several lines or packages require, with who requires it."""
    (home / "r.in").write_text("app\nlib\n", encoding="utf-8")

    assert run("tree", "r.in", "--duplicates").out == "lib 2.0  (2): r.in:2, app\n"
    assert run("tree", "--packages", "app", "--duplicates").out == "no package is required more than once\n"


@pytest.mark.parametrize(
    "command",
    [
        ("tree", "--packages", "app"),
        ("why", "lib", "--packages", "app"),
        ("why-not", "app<2", "--packages", "app"),
        ("why-not", "lib>=2", "--packages", "picky"),
        ("lock", "--packages", "app", "-o", "old.txt", "-U", "--diff"),
        ("outdated", "old.txt"),
        ("mirror", "diff", "empty", "../mirror"),
    ],
    ids=" ".join,
)
def test_colors_of_an_output(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    """On a terminal or if forced; never with NO_COLOR, in a pipe, or in JSON."""
    (home / "empty").mkdir()
    (home / "old.txt").write_text("app==1.0\nlib==1.0\n", encoding="utf-8")
    assert run("resolve", "--packages", "app").code == 0
    plain = run(*command).out
    forced = run(*command, "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert "\x1b[" not in plain
    assert re.sub(r"\x1b\[\d*m", "", forced) == plain != forced
    assert run(*command).out == forced
    json_option = "--diff-format" if command[0] == "lock" else "--format"
    assert "\x1b[" not in run(*command, json_option, "json").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(*command).out == plain


def test_files_that_no_target_installs_are_read_before_the_mirror_is_closed(
    home: Path, run: Run, index: LoopbackIndex
) -> None:
    """A warm mirror hands out the files of the target alone; what a difference says of a release is read from all."""
    index.publish("multi", *[wheel("multi", version, tags=tags) for version in ("1.0", "2.0") for tags in TAGS])
    (home / "r.in").write_text("multi\n", encoding="utf-8")
    (home / "old.txt").write_text("multi==1.0\n", encoding="utf-8")

    for _ in range(2):
        assert "uploaded 2" in run("lock", "r.in", "-o", "old.txt", "-U", "--diff").out
        assert "uploaded 2" in run("why-not", "multi<2", "r.in").out
        assert run("tree", "r.in", "--sizes").code == 0
        assert run("outdated", "r.in", "-o", "old.txt").code == 0
