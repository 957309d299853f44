"""``lock``: what is written where, what is kept, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex


def without_command(path: Path) -> list[str]:
    """Return the lines of a lock, less its digest and the command, which names the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    own = ("# pipx-parallel: inputs", "command = ", "inputs = ", '"command": ', '"inputs": ')
    return [line for line in lines if not line.lstrip().startswith(own) and not line.startswith("#    ")]


def pins(path: Path) -> list[str]:
    """Return the pins of a requirements file that was written."""
    return [line.split(" ")[0] for line in path.read_text(encoding="utf-8").splitlines() if "==" in line]


def test_a_lock_for_a_python_that_the_project_does_not_take_is_warned_of(run: Run, home: Path) -> None:
    """Locked all the same: the project itself may be for another machine."""
    (home / "pyproject.toml").write_text(
        "[project]\nname = 'mine'\nrequires-python = '>=3.99'\ndependencies = ['app']\n", encoding="utf-8"
    )
    done = run("lock", "pyproject.toml")

    assert done.code == 0
    assert "warning: the input requires Python >=3.99, and this lock is for " in done.err
    assert "requires Python" not in run("lock", "pyproject.toml", "--python-version", "3.99").err


def test_without_any_word_it_locks_the_requirements_of_this_folder(home: Path, run: Run) -> None:
    """The source is found and named; the lock lies beside it; stdout stays empty."""
    (home / "requirements.in").write_text("app\n", encoding="utf-8")

    ran = run("lock")

    assert (ran.code, ran.out) == (0, "")
    assert "reading requirements.in" in ran.err
    assert "locked 2 packages for " in ran.err
    assert 'version = "2.0"' in (home / "pylock.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_the_order_in_which_sources_are_looked_for(home: Path, run: Run, absent: int) -> None:
    """What people write comes before what tools write."""
    texts = {
        "requirements.in": "app\n",
        "requirements.txt": "app\n",
        "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["app"]\n',
    }
    for name in list(texts)[absent:]:
        (home / name).write_text(texts[name], encoding="utf-8")

    assert f"reading {list(texts)[absent]}\n" in run("lock").err


def test_with_nothing_to_read_it_says_what_it_looked_for(run: Run) -> None:
    """An error, a hint, and exit code 2."""
    ran = run("lock")

    assert ran.code == 2
    assert ran.err == (
        "error: nothing to lock [usage-error]\n"
        "hint: name a SOURCE, or create one of requirements.in, requirements.txt, pyproject.toml in this folder\n"
    )


def test_every_output_gets_its_format_from_its_name(home: Path, run: Run) -> None:
    """Five formats of one answer."""
    names = ["pylock.toml", "locked.txt", "install.sh", "install.ps1", "report.json"]

    ran = run("lock", "--packages", "app", *[word for name in names for word in ("-o", name)])

    assert ran.code == 0
    assert sorted(path.name for path in home.iterdir()) == sorted(names)
    assert pins(home / "locked.txt") == ["app==2.0", "lib==2.0"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("sub/reqs.txt", "sub/pylock.reqs.toml"),
        ("sub/requirements.txt", "sub/pylock.toml"),
        ("sub/tool.py", "sub/pylock.tool.toml"),
        ("sub/my.tool.py", "sub/pylock.my-tool.toml"),
        ("sub", "sub/pylock.toml"),
    ],
)
def test_the_default_output_lies_beside_the_source(home: Path, run: Run, source: str, name: str) -> None:
    """A script's lock carries its name, since a folder may hold several (PEP 751)."""
    (home / "sub").mkdir()
    path = home / source if source != "sub" else home / "sub" / "requirements.txt"
    script = '# /// script\n# dependencies = ["app"]\n# ///\n'
    path.write_text(script if source.endswith(".py") else "app\n", encoding="utf-8")

    ran = run("lock", source)

    assert ran.code == 0, ran.err
    assert (home / name).is_file()


def test_the_same_command_gives_the_same_bytes(home: Path, run: Run) -> None:
    """Offline, with other workers, into another file: the lock is the same, the report included."""
    run("lock", "--packages", "app", "-o", "a.txt", "-o", "a.json")

    ran = run("lock", "--packages", "app", "-o", "b.txt", "-o", "b.json", "--offline", "--max-workers", "3", "-v")

    assert ran.code == 0
    assert without_command(home / "a.txt") == without_command(home / "b.txt")
    assert without_command(home / "a.json") == without_command(home / "b.json")


def test_verbose_says_where_the_time_went(run: Run) -> None:
    """In words and units: what was fetched, solved and written. A second run fetches nothing. -vv has every count."""
    cold, again = run("lock", "--packages", "app", "-v"), run("lock", "--packages", "app", "-vv")

    assert (cold.code, again.code) == (0, 0)
    assert re.fullmatch(
        r"fetched \d+ responses \([\d.]+ (bytes|kB)\) in [\d.]+ s; solved in [\d.]+ s; wrote in [\d.]+ s; [\d.]+ s in all",
        cold.err.splitlines()[-1],
    )
    line, counts = again.err.splitlines()[-2:]
    assert line.startswith("fetched nothing")
    assert [word for word in ("fill ", "solve ", "total ", "requests ", "hits ") if word not in counts] == []


def test_existing_pins_are_kept_until_asked_otherwise(home: Path, run: Run, index: LoopbackIndex) -> None:
    """A new release moves nothing by itself; -P moves its project, -U all."""
    run("lock", "--packages", "app", "-o", "locked.txt")
    index.publish("app", wheel("app", "3.0", ["lib"]))
    index.publish("lib", wheel("lib", "3.0"))

    run("lock", "--packages", "app", "-o", "locked.txt", "--refresh")
    unchanged = pins(home / "locked.txt")
    run("lock", "--packages", "app", "-o", "locked.txt", "-P", "lib")
    moved = pins(home / "locked.txt")
    run("lock", "--packages", "app", "-o", "locked.txt", "-U")

    assert unchanged == ["app==2.0", "lib==2.0"]
    assert moved == ["app==2.0", "lib==3.0"]
    assert pins(home / "locked.txt") == ["app==3.0", "lib==3.0"]


def test_a_failed_lock_leaves_no_file_and_no_output(home: Path, run: Run) -> None:
    """All outputs or none."""
    ran = run("lock", "--packages", "app,no-such-thing", "-o", "locked.txt", "-o", "pylock.toml")

    assert (ran.code, ran.out) == (1, "")
    assert "no-such-thing" in ran.err
    assert list(home.iterdir()) == []


def test_keep_going_writes_and_marks_what_is_missing(home: Path, run: Run) -> None:
    """The rest is locked, every artefact names the hole, and the exit code is not 0."""
    names = ["pylock.toml", "locked.txt", "install.sh", "install.ps1", "report.json"]

    ran = run("lock", "--packages", "app,gone", "--keep-going", *[f"--output={name}" for name in names])

    assert ran.code == 1
    assert "warning: gone" in ran.err
    assert [name for name in names if "gone" not in (home / name).read_text(encoding="utf-8")] == []


def test_check_of_a_fresh_lock_is_silent_and_makes_no_request(home: Path, run: Run, index: LoopbackIndex) -> None:
    """The digest of the inputs decides; no request is made."""
    (home / "requirements.in").write_text("app\n", encoding="utf-8")
    run("lock", "-o", "locked.txt", "-o", "pylock.toml")
    before = len(index.requests_seen)

    ran = run("lock", "-o", "locked.txt", "-o", "pylock.toml", "--check")

    assert (ran.code, ran.out) == (0, "")
    assert "fresh: locked.txt, pylock.toml" in ran.err
    assert len(index.requests_seen) == before


def test_check_says_why_a_lock_is_stale_and_leaves_it(home: Path, run: Run) -> None:
    """Exit code 3, a reason, and no byte changed."""
    (home / "requirements.in").write_text("app\n", encoding="utf-8")
    run("lock", "-o", "locked.txt")
    before = (home / "locked.txt").read_bytes()
    (home / "requirements.in").write_text("app<2\n", encoding="utf-8")

    ran = run("lock", "-o", "locked.txt", "--check")

    assert ran.code == 3
    assert "locked.txt" in ran.err
    assert "app" in ran.err
    assert (home / "locked.txt").read_bytes() == before


@pytest.mark.parametrize("name", ["pylock.toml", "locked.txt", "report.json", "install.sh", "install.ps1"])
def test_check_does_not_take_an_edited_lock_for_a_fresh_one(home: Path, run: Run, name: str) -> None:
    """Its inputs are as they were; what it says is not. Line ends are no edit."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")
    run("lock", "r.txt", "-o", name)
    lock = home / name
    text = lock.read_text(encoding="utf-8")
    lock.write_bytes(text.replace("\n", "\r\n").encode())
    assert "fresh" in run("lock", "r.txt", "-o", name, "--check").err

    lock.write_text(text.replace("2.0", "1.0"), encoding="utf-8")
    ran = run("lock", "r.txt", "-o", name, "--check", "-U")

    assert (ran.code, "out of date" in ran.err) == (3, True)


def test_check_of_a_lock_that_is_not_there(home: Path, run: Run) -> None:
    """What does not exist is stale."""
    ran = run("lock", "--packages", "app", "-o", "locked.txt", "--check")

    assert (ran.code, list(home.iterdir())) == (3, [])
    assert "locked.txt does not exist" in ran.err


def test_diff_shows_what_would_change_and_writes_nothing(home: Path, run: Run) -> None:
    """The change goes to stdout: it is what was asked for."""
    run("lock", "--packages", "app", "-o", "locked.txt")
    before = (home / "locked.txt").read_bytes()

    ran = run("lock", "--packages", "app<2", "-o", "locked.txt", "--diff")

    assert ran.code == 0
    assert "app" in ran.out
    assert "1.0" in ran.out
    assert (home / "locked.txt").read_bytes() == before


def test_an_output_that_says_no_format_is_refused_before_any_work(run: Run, index: LoopbackIndex) -> None:
    """Names, formats and the remedy in one line."""
    ran = run("lock", "--packages", "app", "-o", "lock.yaml")

    assert ran.code == 2
    assert "lock.yaml" in ran.err
    assert index.requests_seen == []


def test_an_output_in_no_folder_is_refused(home: Path, run: Run) -> None:
    """One line and exit code 2, nothing written."""
    ran = run("lock", "--packages", "app", "-o", "here.txt", "-o", "nowhere/locked.txt")

    assert ran.code == 2
    assert "nowhere" in ran.err
    assert list(home.iterdir()) == []


def test_a_bound_of_upgrade_package_is_kept_to(home: Path, run: Run, index: LoopbackIndex) -> None:
    """``-P "lib<3"`` moves lib, and no further than that."""
    run("lock", "--packages", "lib", "-o", "locked.txt")
    index.publish("lib", wheel("lib", "2.5"), wheel("lib", "3.0"))

    ran = run("lock", "--packages", "lib", "-o", "locked.txt", "-P", "lib<3", "--refresh")

    assert ran.code == 0, ran.err
    assert pins(home / "locked.txt") == ["lib==2.5"]
    assert "1 upgraded" in ran.err


def test_check_shows_where_a_long_line_differs(home: Path, run: Run) -> None:
    """A file of the lock is one line; its hash is at the end."""
    assert run("lock", "--packages", "app", "-o", "pylock.toml").code == 0
    lock = home / "pylock.toml"
    digest = re.search(r'sha256 = "([0-9a-f]{64})"', lock.read_text(encoding="utf-8"))
    assert digest
    lock.write_text(lock.read_text(encoding="utf-8").replace(digest[1], "0" * 64), encoding="utf-8")

    ran = run("lock", "--packages", "app", "-o", "pylock.toml", "--check")

    is_now, would_be = re.findall(r"'([^']*)'", ran.err.partition("line ")[2])
    assert (ran.code, "0000" in is_now, digest[1][:9] in would_be) == (3, True, True), ran.err


def test_a_comment_does_not_make_a_lock_stale(home: Path, run: Run) -> None:
    """The digest changes, the answer does not."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")
    run("lock", "r.txt")
    (home / "r.txt").write_text("app  # the app\n", encoding="utf-8")

    assert run("lock", "r.txt", "--check").code == 0


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
def test_the_difference_in_each_form(run: Run, format_: str) -> None:
    """For people, programs and reviews."""
    run("lock", "--packages", "app", "-o", "locked.txt")

    ran = run("lock", "--packages", "app<2", "-o", "locked.txt", "--diff", "--diff-format", format_)

    assert ran.code == 0
    assert {"text": "↓ app", "json": '"kind": "down"', "markdown": "| app |"}[format_] in ran.out


def test_a_file_that_is_no_lock_keeps_no_pin(home: Path, run: Run) -> None:
    """It is replaced, and a warning says that nothing of it was kept."""
    (home / "locked.txt").write_text("whatever this is\n", encoding="utf-8")

    ran = run("lock", "--packages", "app", "-o", "locked.txt")

    assert ran.code == 0
    assert "warning: locked.txt cannot be read as a lock" in ran.err
    assert pins(home / "locked.txt") == ["app==2.0", "lib==2.0"]


def test_upgrade_group_moves_what_the_group_asks_for(home: Path, run: Run, index: LoopbackIndex) -> None:
    """And nothing else: the other pins of the lock are kept."""
    (home / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\ndependencies = ["app<2"]\n[dependency-groups]\ndev = ["lib"]\n',
        encoding="utf-8",
    )
    (home / "locked.txt").write_text("app==1.0\nlib==1.0\n", encoding="utf-8")
    assert index.url

    before = run("lock", "pyproject.toml", "--group", "dev", "-o", "locked.txt", "--no-hashes")
    unchanged = (home / "locked.txt").read_text(encoding="utf-8")
    after = run("lock", "pyproject.toml", "--group", "dev", "-o", "locked.txt", "--no-hashes", "--upgrade-group", "dev")

    assert (before.code, after.code) == (0, 0), before.err + after.err
    assert "lib==1.0" in unchanged
    text = (home / "locked.txt").read_text(encoding="utf-8")
    assert ("lib==2.0" in text, "app==1.0" in text) == (True, True)


def test_one_file_spelled_twice_is_one_output(home: Path, run: Run) -> None:
    """Whatever way leads to it."""
    ran = run("lock", "--packages", "lib", "-o", "a.txt", "-o", "./a.txt", "-o", "a.txt")

    assert ran.code == 0
    assert "wrote: a.txt (" not in ran.err
    assert ran.err.rstrip().endswith("wrote: a.txt")
    assert [path.name for path in home.iterdir()] == ["a.txt"]


def test_format_says_what_a_file_s_name_does_not(home: Path, run: Run) -> None:
    """``requirements.lock`` is what some tools call it; it is read again as what it is."""
    first = run("lock", "--packages", "lib<2", "-o", "requirements.lock", "--format", "requirements")
    again = run("lock", "--packages", "lib", "-o", "requirements.lock", "--format", "requirements")
    refused = run("lock", "--packages", "lib", "-o", "requirements.lock")

    assert [first.code, again.code, refused.code] == [0, 0, 2]
    assert pins(home / "requirements.lock") == ["lib==1.0"]
    assert "or give --format" in refused.err


def test_the_line_ends_of_an_existing_output_are_kept(home: Path, run: Run) -> None:
    """A checkout on Windows has CRLF, and its next commit would otherwise change every line."""
    (home / "r.in").write_text("app\n", encoding="utf-8")
    (home / "r.txt").write_bytes(b"app==1.0\r\n")
    words = ("lock", "r.in", "-o", "r.txt", "--no-hashes")

    codes = [run(*words).code, run(*words, "--check").code, run(*words).code]

    data = (home / "r.txt").read_bytes()
    assert codes == [0, 0, 0]
    assert b"app==1.0\r\n" in data
    assert data.count(b"\n") == data.count(b"\r\n")
