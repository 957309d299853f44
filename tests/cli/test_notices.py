"""What has no effect is reported: a typing error does not pass unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dists import sdist, wheel
from tests.support.index_server import LoopbackIndex


@pytest.fixture
def source(home: Path) -> Path:
    """Write a list that asks for app, which needs lib."""
    path = home / "r.in"
    path.write_text("app\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (("-P", "nosuch"), "--upgrade-package nosuch has no effect: no requirement names it"),
        (("--exclude", "nosuch"), "--exclude nosuch has no effect: no requirement names it"),
        (("--override", "nosuch==1"), "--override nosuch has no effect: no requirement names it"),
        (("--override", "libb==1"), "no requirement names it; did you mean 'lib'?"),
    ],
)
def test_a_name_that_nothing_requires_is_reported(source: Path, run: Run, flags: tuple[str, ...], line: str) -> None:
    """The lock is written all the same."""
    ran = run("lock", source.name, *flags)

    assert (ran.code, line in ran.err) == (0, True)


@pytest.mark.parametrize(
    "flags",
    [("-P", "lib"), ("--exclude", "lib"), ("--override", "lib==1"), ("--exclude", "app"), ("--override", "app==1")],
)
def test_a_name_that_is_required_is_not_reported(home: Path, run: Run, flags: tuple[str, ...]) -> None:
    """Neither one of the user nor one of a package."""
    (home / "r.in").write_text("app\npicky\n", encoding="utf-8")

    assert "warning" not in run("lock", "r.in", *flags).err


def test_an_upgrade_to_a_release_that_cannot_be_chosen_fails(source: Path, run: Run) -> None:
    """It is asked for, so it must not be dropped; nothing is written."""
    assert run("lock", source.name, "-o", "r.txt", "--no-hashes").code == 0
    before = Path("r.txt").read_bytes()

    ran = run("lock", source.name, "-o", "r.txt", "--no-hashes", "-P", "lib==99")

    assert (ran.code, Path("r.txt").read_bytes() == before) == (1, True)
    assert "lib" in ran.err


def test_an_unknown_variable_is_reported(source: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the nearest that exists; variables of other commands and of no option are known."""
    monkeypatch.setenv("PIPX_PARALLEL_PYTHON_VERSON", "3.12")
    for name in ("PIPX_PARALLEL_PORT", "PIPX_PARALLEL_TOKEN", "PIPX_PARALLEL_CREDENTIALS_INDEX_EXAMPLE"):
        monkeypatch.setenv(name, "1")

    ran = run("lock", source.name)

    reported = [line for line in ran.err.splitlines() if "no option has this variable" in line]
    assert (ran.code, len(reported)) == (0, 1)
    assert reported[0].endswith("did you mean PIPX_PARALLEL_PYTHON_VERSION?")


def test_an_input_without_requirements_is_reported(home: Path, run: Run) -> None:
    """An empty lock is seldom what was meant."""
    (home / "e.in").write_text("# nothing\n", encoding="utf-8")

    ran = run("lock", "e.in")

    assert (ran.code, "warning: e.in: there are no requirements" in ran.err) == (0, True)


def test_pins_kept_against_another_resolution_are_reported(source: Path, run: Run) -> None:
    """--resolution chooses among new packages only, unless -U is given."""
    assert run("lock", source.name, "-o", "r.txt").code == 0

    second_run = run("lock", source.name, "-o", "r.txt", "--resolution", "lowest")
    moved = run("lock", source.name, "-o", "r.txt", "--resolution", "lowest", "-U")

    assert ("existing pins are kept; add -U" in second_run.err, "existing pins" in moved.err) == (True, False)
    assert "lib==1.0" in Path("r.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("mark", "notice"), [("breaks\x1b[0m on 3.11", "breaks [0m on 3.11"), (True, "no reason is stated")]
)
def test_a_yanked_pin_is_reported_with_its_reason(
    home: Path, index: LoopbackIndex, run: Run, mark: str | bool, notice: str
) -> None:
    """At every lock, also offline; without control characters of the index; a release that is not yanked is not named."""
    index.publish("bad", wheel("bad", "1.0")._replace(yanked=mark), wheel("bad", "0.9"))
    (home / "r.in").write_text("bad==1.0\nlib\n", encoding="utf-8")

    for flags in ((), ("--offline",)):
        ran = run("lock", "r.in", "-o", "r.txt", *flags)

        assert (ran.code, f"bad 1.0 was yanked by its project: {notice}" in ran.err) == (0, True), ran.err
        assert ran.err.count("yanked") == 1
    assert "yanked" not in run("lock", "--packages", "bad", "-o", "other.txt").err


def test_a_pin_that_was_yanked_since_is_kept_with_the_reason(home: Path, run: Run, index: LoopbackIndex) -> None:
    """As in uv; an upgrade gives it up. A pre-release that the lock holds stays as well."""
    (home / "r.in").write_text("bad\n", encoding="utf-8")
    (home / "r.txt").write_text("bad==2.0\n", encoding="utf-8")
    (home / "pre.txt").write_text("bad==2.5b1\n", encoding="utf-8")
    index.publish(
        "bad", wheel("bad", "1.0"), wheel("bad", "2.0")._replace(yanked="it deletes files"), wheel("bad", "2.5b1")
    )

    second_run = run("lock", "r.in", "-o", "r.txt", "-o", "report.json", "--no-hashes")
    pre = run("lock", "r.in", "-o", "pre.txt", "--no-hashes")

    assert (second_run.code, pre.code) == (0, 0), second_run.err
    assert "warning: bad 2.0 was yanked by its project: it deletes files" in second_run.err
    assert "bad==2.0" in (home / "r.txt").read_text(encoding="utf-8")
    assert "bad==2.5b1" in (home / "pre.txt").read_text(encoding="utf-8")
    assert '"yanked": "it deletes files"' in (home / "report.json").read_text(encoding="utf-8")
    assert run("lock", "r.in", "-o", "r.txt", "--no-hashes", "-U").code == 0
    assert "bad==1.0" in (home / "r.txt").read_text(encoding="utf-8")


def test_the_yanked_files_of_a_release_are_not_locked(home: Path, run: Run, index: LoopbackIndex) -> None:
    """Where the source archive was left, pip takes it and not the yanked wheel; so does pip with our lock."""
    index.publish("half", wheel("half", "1.0")._replace(yanked="broken wheel"), sdist("half", "1.0"))
    (home / "r.in").write_text("half\n", encoding="utf-8")

    ran = run("lock", "r.in", "-o", "pylock.toml", "--no-build")

    assert ran.code == 0, ran.err
    assert "yanked" not in ran.err
    lock = (home / "pylock.toml").read_text(encoding="utf-8")
    assert "half-1.0.tar.gz" in lock
    assert "half-1.0-py3" not in lock


def test_an_upgrade_that_other_pins_prevent_is_reported(home: Path, run: Run, index: LoopbackIndex) -> None:
    """Not if the pins that hold it are upgraded too; a bound of the user is named without the advice."""
    index.publish("top", wheel("top", "1.0", ["lib<2"]), wheel("top", "2.0", ["lib>=2"]))
    (home / "r.in").write_text("top\nlib\napp<2\n", encoding="utf-8")
    (home / "r.txt").write_text("top==1.0\nlib==1.0\napp==1.0\n", encoding="utf-8")
    command = ("lock", "r.in", "-o", "r.txt", "--no-hashes")

    held = run(*command, "-P", "top", "-P", "app").err
    freed = run(*command, "-P", "top", "-P", "lib").err

    assert (
        "warning: --upgrade-package top stays at 1.0, not 2.0: top 2.0 needs lib>=2, and lib is at 1.0 (pins that"
        in held
    )
    assert "warning: --upgrade-package app stays at 1.0, not 2.0: r.in:3 asks for app<2\n" in held
    assert "warning" not in freed
    assert "top==2.0" in (home / "r.txt").read_text(encoding="utf-8")


def test_a_lock_of_another_command_names_that_command(home: Path, run: Run) -> None:
    """Where options were forgotten, ``--check`` and a lock that loses packages say which; a lock that only gains does not."""
    project = '[project]\nname = "mine"\nversion = "1"\ndependencies = ["lib"]\noptional-dependencies.web = ["app"]\n'
    (home / "pyproject.toml").write_text(project, encoding="utf-8")
    made_by = "pylock.toml was made by another command: pipx-parallel lock pyproject.toml --extra=web"
    run("lock")
    gained = run("lock", "--extra", "web")
    assert (gained.code, "made by" in gained.err) == (0, False), gained.err

    stale = run("lock", "--check")
    lost = run("lock")

    assert (stale.code, f"hint: {made_by}; without --check, this command replaces it" in stale.err) == (3, True), (
        stale.err
    )
    assert (lost.code, made_by in lost.err) == (0, True), lost.err
    assert "made by" not in run("lock").err


@pytest.mark.parametrize("name", ["pylock.toml", "locked.txt"])
def test_a_lock_for_another_target_is_refused_with_both_targets(source: Path, run: Run, name: str) -> None:
    """A check on a machine with another Python than the one that locked."""
    assert run("lock", source.name, "-o", name, "--python-version", "3.12").code == 0

    ran = run("lock", source.name, "-o", name, "--python-version", "3.13", "--check")
    fresh = run("lock", source.name, "-o", name, "--python-version", "3.12", "--check")

    assert (ran.code, fresh.code) == (3, 0), (ran.err, fresh.err)
    assert "out of date" not in ran.err
    assert f"error: {name} is for cpython 3.12 " in ran.err
    assert f"{name} was made by another command: pipx-parallel lock r.in --python-version=3.12" in ran.err


@pytest.mark.parametrize("text", ["3.12-linux", "windoze", "3.12 amiga", "3.12 3.13", ""])
def test_a_wrong_target_is_an_error_of_that_option(source: Path, run: Run, text: str) -> None:
    """Not of --platform, which nobody gave."""
    ran = run("lock", source.name, "--target", text)

    assert (ran.code, "--platform" in ran.err) == (2, False), ran.err
    assert f"error: --target: {text!r} cannot be used" in ran.err
    assert '"3.13 windows" (--target help lists them)' in ran.err


def test_what_holds_a_package_is_named_down_to_the_line(home: Path, run: Run, index: LoopbackIndex) -> None:
    """A package holds it that a line of the user holds in turn: the other pins are not to blame."""
    index.publish("picky", wheel("picky", "2.0", ["lib"]))
    (home / "r.in").write_text("lib\npicky<2\n", encoding="utf-8")
    assert run("lock", "r.in", "-o", "r.txt").code == 0

    ran = run("lock", "r.in", "-o", "r.txt", "-P", "lib")

    held = "lib stays at 1.0, not 2.0: picky 1.0 needs lib<2 (picky 1.0: r.in:2 asks for picky<2)\n"
    assert f"warning: --upgrade-package {held}" in ran.err


def test_a_bound_of_the_user_is_the_reason_for_every_target(home: Path, run: Run, index: LoopbackIndex) -> None:
    """Not the existing lock, and not worth a warning: the user wrote it."""
    old, new = (
        wheel("aged", version, upload_time=f"{year}-01-01T00:00:00Z")
        for version, year in (("1.0", 2015), ("2.0", 2025))
    )
    index.publish("aged", old, new)
    (home / "r.in").write_text("aged<2\n", encoding="utf-8")
    words = ("lock", "r.in", "-o", "r.txt", "-o", "report.json", "--universal")
    first = run(*words)
    (home / "r.in").write_text("aged<2  # as before\n", encoding="utf-8")
    again = run(*words)
    (home / "r.in").write_text("aged\n", encoding="utf-8")
    unbound = run(*words)

    assert "behind" not in first.err + again.err
    assert "warning: aged 1.0 is 10.0 years behind 2.0: an existing lock holds it (see -P and -U)\n" in unbound.err


@pytest.mark.parametrize(
    ("version", "exists"),
    [("2.7", True), ("3.15", True), ("3.16", True), ("3.17", False), ("3.99", False), ("4.1", False)],
)
def test_a_python_that_does_not_exist_is_warned_of(run: Run, index: LoopbackIndex, version: str, exists: bool) -> None:
    """A new one can be tried before this tool knows it; whatever was asked for is locked."""
    index.publish("every", wheel("every", "1.0", tags="py2.py3.py4-none-any"))
    for words in (("--python-version", version), ("--target", f"{version} linux")):
        ran = run("lock", "--packages", "every", "-o", "r.txt", *words)

        assert (ran.code, f"warning: there is no Python {version} (the newest" in ran.err) == (0, not exists)


PARTS = """[project]
name = "mine"
version = "1"
dependencies = ["lib"]
[project.optional-dependencies]
web = ["app"]
Dev_Tools = []
[dependency-groups]
test = ["picky"]
"""


def test_parts_that_are_left_out_are_named_once(home: Path, run: Run) -> None:
    """When the lock is written; not if it does not change, with -q, or if parts were asked for."""
    (home / "pyproject.toml").write_text(PARTS, encoding="utf-8")
    note = "without extras web, dev-tools and group test (--extra web, --all-extras, --group test, --all-groups)\n"

    written, again = run("lock"), run("lock")
    quiet, asked = run("lock", "-q", "-o", "a.txt"), run("lock", "--extra", "web", "-o", "b.txt")

    assert note in written.err
    assert written.out == ""
    assert "without" not in again.err + quiet.err + asked.err
    (home / "setup.cfg").write_text("[options]\ninstall_requires = lib\n[options.extras_require]\nweb = app\n", "utf-8")
    assert "without extra web (--extra web, --all-extras)\n" in run("lock", "setup.cfg", "-o", "c.txt").err


def test_many_parts_that_are_left_out_are_counted(home: Path, run: Run) -> None:
    """Eight are named."""
    groups = "\n".join(f"g{number} = []" for number in range(10))
    (home / "pyproject.toml").write_text(f"[dependency-groups]\n{groups}\n", encoding="utf-8")
    assert "without" not in run("lock", "--packages", "lib", "-o", "r.txt").err
    (home / "pyproject.toml").write_text(PARTS.partition("[project.o")[0] + f"[dependency-groups]\n{groups}\n", "utf-8")

    assert "without groups g0, g1, g2, g3, g4, g5, g6, g7 and 2 more (--group g0, --all-groups)" in run("lock").err


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (("--requires-python", ">=3.12"), ("--universal",)),
        (("--minimum-glibc", "2.31"), ("--platform", "linux")),
        (("--minimum-macos", "14.0"), ("--platform", "macos")),
        (("--fork", "newest"), ("--python-version", "3.12", "--python-version", "3.13")),
        (("--diff-format", "json"), ("--diff",)),
    ],
)
def test_a_flag_that_needs_another_one_is_warned_of(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], needed: tuple[str, ...]
) -> None:
    """Alone it changes nothing; beside the other one, or as a variable that waits for it, it is no mistake."""
    alone = run("lock", "--packages", "lib", "-o", "r.txt", *words)
    beside = run("lock", "--packages", "lib", "-o", "r.txt", *words, *needed)
    monkeypatch.setenv(f"PIPX_PARALLEL_{words[0][2:].upper().replace('-', '_')}", words[1])
    variable = run("lock", "--packages", "lib", "-o", "r.txt")

    assert (alone.code, beside.code, variable.code) == (0, 0, 0)
    assert f"warning: {words[0]} has no effect without " in alone.err
    assert "no effect" not in beside.err + variable.err
