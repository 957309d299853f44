"""How commands fail: one message, the documented exit code, nothing on stdout, never a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mirror import errors as mirror_errors
from mirror.records.model import FetchFailure
from pipx_parallel import errors
from pipx_parallel.cli import exit_code, guarded
from pipx_parallel.cli.error_report import code_name
from pipx_parallel.model import Origin
from tests.cli.conftest import Ran, Run
from tests.cli.test_lock import without_command
from tests.support.checkout import CHECKOUT
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex


def check_message(ran: Ran, code: int, *words: str) -> None:
    """Assert one clear message and nothing else."""
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert ran.err.startswith("error: ")
    assert [word for word in words if word not in ran.err] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lock", "--no-such"], ["no such option", "'pipx-parallel lock --help'"]),
        (["lock", "-o"], ["-o", "requires an argument"]),
        (["lock", "--pre=yes"], ["--pre takes no value: write --pre alone", "'pipx-parallel lock --help'"]),
        (["mirror", "status", "--offline=1"], ["--offline takes no value", "'pipx-parallel mirror status"]),
        (["lok"], ["no command 'lok'", "did you mean 'lock'?"]),
        (["mirror", "wram"], ["no command 'wram'", "did you mean 'warm'?"]),
        (["why"], ["missing argument"]),
        (["lock", "--resolution", "newest"], ["newest", "lowest-direct"]),
        (["lock", "--max-workers", "0", "--packages", "a"], ["--max-workers: '0'", '1 to 50, or "auto"']),
        (["lock", "--timeout=never", "--packages", "a"], ["--timeout: 'never'", "seconds"]),
        (["lock", "--offline", "--refresh", "--packages", "a"], ["--refresh", "--offline"]),
        (["lock", "--python-version", "x", "--packages", "a"], ["--python-version", "'x'"]),
        (["lock", "missing.txt"], ["missing.txt"]),
        (["resolve", "--packages", "a>>1"], ["--packages", "a>>1"]),
        (["benchmark", "--packages", "a", "--workers", "1,many"], ["--workers", "1,many"]),
        (["benchmark", "-"], ["standard input"]),
    ],
)
def test_bad_usage_is_an_error_a_hint_and_2(run: Run, arguments: list[str], words: list[str]) -> None:
    """What was given, and what to give instead."""
    ran = run(*arguments)

    check_message(ran, 2, *words)
    error, *hints = ran.err.splitlines()
    assert re.search(r" \[(usage|requirements)-error\]$", error)
    assert len(hints) == 1
    assert hints[0].startswith("hint: ")


def test_a_syntax_error_is_named_by_file_and_line(home: Path, run: Run) -> None:
    """Line 7 of the file is line 7 of the message."""
    (home / "requirements.txt").write_text("app\n" * 6 + "lib >>> 2\n", encoding="utf-8")

    check_message(run("lock", "requirements.txt"), 2, "requirements.txt:7")


def test_a_loop_of_files_is_named(home: Path, run: Run) -> None:
    """A file that includes itself through another never ends; the message shows the way round."""
    (home / "a.txt").write_text("-r b.txt\n", encoding="utf-8")
    (home / "b.txt").write_text("-r a.txt\n", encoding="utf-8")

    check_message(run("lock", "a.txt"), 2, "b.txt:1", "includes itself")


def test_an_impossible_list_is_1(run: Run) -> None:
    """No answer exists."""
    check_message(run("lock", "--packages", "picky,lib>=2"), 1)


def test_the_reason_is_printed_once_and_before_the_suggestions(run: Run) -> None:
    """The search has ended by then, the changes have not been tried yet."""
    with_them = run("lock", "--packages", "picky,lib>=2", "--suggest-seconds", "600").err.splitlines()
    without = run("lock", "--packages", "picky,lib>=2", "--suggest-seconds", "0").err.splitlines()

    assert with_them[: len(without)] == without
    assert [line for line in with_them if line.startswith("error: ")] == with_them[:1]
    assert with_them[len(without) :]
    assert with_them[0] == "error: No solution found [no-solution]"
    assert all(line.startswith("  ") for line in without[1:])
    assert all(line.startswith("hint: ") for line in with_them[len(without) :])


def test_it_is_said_if_time_for_suggestions_ran_out(run: Run) -> None:
    """A millionth of a second is not enough for one."""
    printed = run("lock", "--packages", "picky,lib>=2", "--suggest-seconds", "0.000001").err.splitlines()

    assert printed[-1] == "not every change was tried within 1e-06 s (--suggest-seconds)"


def test_all_missing_projects_are_named_together(home: Path, run: Run) -> None:
    """Each with the place that asks for it, and the nearest name where one is close."""
    run("resolve", "--packages", "picky")
    (home / "r.txt").write_text("lib\nzzz\npikcy\n", encoding="utf-8")

    ran = run("lock", "r.txt")

    check_message(ran, 1, "2 projects not available", "r.txt:2", "r.txt:3", "did you mean 'picky'?")
    assert list(home.iterdir()) == [home / "r.txt"]


def test_offline_with_an_empty_mirror_is_4(run: Run, index: LoopbackIndex) -> None:
    """Each missing project is named, and nobody is asked."""
    check_message(run("lock", "--packages", "app,lib", "--offline"), 4, "app", "lib")
    assert index.requests_seen == []


def test_an_unreachable_index_is_5(run: Run) -> None:
    """Nothing is kept and nobody answers."""
    check_message(run("lock", "--packages", "app", "--index-url", "http://127.0.0.1:9/simple/"), 5, "app")


def test_an_unreachable_index_with_a_filled_mirror_is_0(home: Path, run: Run, index: LoopbackIndex) -> None:
    """The mirror answers, and a warning says so."""
    index.flavour = MODERN._replace(cache_control="no-cache")
    run("lock", "--packages", "app", "-o", "a.txt")
    index.fail("/simple/*", "status", times=99, status=503)

    ran = run("lock", "--packages", "app", "-o", "b.txt", "-U")

    assert ran.code == 0, ran.err
    assert "warning: the index cannot be used" in ran.err
    assert without_command(home / "a.txt") == without_command(home / "b.txt")


def test_an_unexpected_error_is_an_error_a_hint_and_70(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our bug: said so, with how to see more."""
    monkeypatch.delenv("PIPX_PARALLEL_DEBUG", raising=False)

    def broken() -> int:
        raise ZeroDivisionError("division\nby zero")

    assert guarded(broken, {}) == 70
    assert capsys.readouterr().err == (
        "error: internal error: ZeroDivisionError: division by zero [bug]\n"
        "hint: please report it; PIPX_PARALLEL_DEBUG=1 shows where\n"
    )


def test_the_traceback_is_shown_to_those_who_ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PIPX_PARALLEL_DEBUG=1."""
    monkeypatch.setenv("PIPX_PARALLEL_DEBUG", "1")

    def broken() -> int:
        raise ZeroDivisionError

    guarded(broken, {})

    assert "in broken" in capsys.readouterr().err


def test_an_interrupt_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, no traceback."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert guarded(interrupted, {}) == 130
    assert capsys.readouterr().err == "error: interrupted; no output was written\n"


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C of another process is sent as a POSIX signal")
def test_ctrl_c_ends_a_waiting_lock_at_once(home: Path) -> None:
    """While an index that never answers keeps it waiting: 130, one line, no file."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple/"
        process = subprocess.Popen(
            [sys.executable, "-m", "pipx_parallel", "lock", "--packages", "app", "--index-url", url],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with silent.accept()[0]:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, "", "error: interrupted; no output was written\n")
    assert list(home.iterdir()) == []


def failure(error: Exception) -> FetchFailure:
    """Return a failure of this kind."""
    return FetchFailure("a", None, error)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 2),
        (errors.RequirementsError(Origin("r.txt", 7), "x"), 2),
        (errors.OutputError("x"), 2),
        (errors.NoSolution(["x"]), 1),
        (errors.StaleLock(["x"]), 3),
        (errors.Bug("x"), 70),
        (errors.PipxParallelError("x"), 70),
        (mirror_errors.NoSuchPath("x"), 2),
        (mirror_errors.Offline("x"), 4),
        (mirror_errors.Unreachable("x"), 5),
        (mirror_errors.Malformed("x"), 5),
        (mirror_errors.NotInstalled("x"), 2),
        (mirror_errors.Integrity("x"), 6),
        (mirror_errors.StoreError("x"), 2),
        (mirror_errors.NotFound("x"), 1),
        (mirror_errors.NeedsBuild("x"), 1),
        (KeyboardInterrupt(), 130),
        (ValueError("x"), 70),
        (errors.Incomplete([failure(mirror_errors.NotFound("x"))], "x"), 1),
        (errors.Incomplete([failure(mirror_errors.NotFound("x")), failure(mirror_errors.Unreachable("x"))], "x"), 5),
        (errors.Incomplete([failure(mirror_errors.Unreachable("x")), failure(mirror_errors.Offline("x"))], "x"), 4),
        (errors.Incomplete([failure(mirror_errors.Offline("x")), failure(mirror_errors.Integrity("x"))], "x"), 6),
    ],
)
def test_each_error_class_has_its_exit_code(error: BaseException, code: int) -> None:
    """The table of the documentation, row by row; of several failures the most urgent decides."""
    assert exit_code(error) == code


def test_every_error_of_ours_has_a_code() -> None:
    """A new class of error without a row in the table would look like a bug to users."""
    kinds = [*errors.PipxParallelError.__subclasses__(), *mirror_errors.MirrorError.__subclasses__()]
    rowless = [kind.__name__ for kind in kinds if kind.__module__ in {"pipx_parallel.errors", "mirror.errors"}]

    assert [name for name in rowless if name not in {"Bug", "Incomplete"} and _code_of(name) == 70] == []


def test_the_page_of_codes_is_complete() -> None:
    """Each class has a row with its code and exit code, and each row a class."""
    table = (CHECKOUT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| `\w+` \| ([\d, or]+) \|", table, re.MULTILINE))
    kinds = [kind for root in (errors.PipxParallelError, mirror_errors.MirrorError) for kind in _below(root)]

    assert rows == {
        code_name(kind): rows["incomplete"] if kind is errors.Incomplete else str(exit_code(kind.__new__(kind)))
        for kind in kinds
    }
    assert {kind.__name__ for kind in kinds} == set(re.findall(r"^\| `[a-z-]+` \| `(\w+)` \|", table, re.MULTILINE))


@pytest.mark.parametrize(
    ("kinds", "name"),
    [
        ([mirror_errors.Offline], "offline"),
        ([mirror_errors.Offline] * 2, "offline"),
        ([mirror_errors.NotFound] * 3, "not-found"),
        ([mirror_errors.Integrity], "integrity"),
        ([mirror_errors.NotFound, mirror_errors.Offline], "incomplete"),
    ],
)
def test_failures_of_one_class_have_its_code(
    capsys: pytest.CaptureFixture[str], kinds: list[type[Exception]], name: str
) -> None:
    """As text and as JSON; only different ones are called incomplete."""
    error = errors.Incomplete([failure(kind("x")) for kind in kinds], "x")

    def failing() -> int:
        raise error

    guarded(failing, {})
    assert f"error: x [{name}]" in capsys.readouterr().err
    guarded(failing, {"error_format": "json"})
    report = json.loads(capsys.readouterr().err)
    assert (
        report["code"],
        code_name(getattr(errors, report["error"], None) or getattr(mirror_errors, report["error"])),
    ) == (name, name)


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (["lock", "requirments.in"], "requirments.in: file not found", "did you mean 'requirements.in'?"),
        (["lock", "sub/dev.inn"], "sub/dev.inn: file not found", "did you mean 'sub/dev.in'?"),
        (["lock", "flask"], "flask: file not found", "a package is locked by its name with --packages flask"),
        (
            ["lock", "flask>=3"],
            "flask>=3: file not found",
            "a package is locked by its name with --packages 'flask>=3'",
        ),
        (
            ["lock", "zope.interface"],
            "file not found",
            "a package is locked by its name with --packages zope.interface",
        ),
        (["lock", "nosuch.in"], "nosuch.in: file not found", "files that exist: requirements.in"),
        (["lock", "-r", "nosuch"], "nosuch: file not found", "a package is locked by its name with --packages nosuch"),
        (["lock", "requirements.in", "-c", "nosuch"], "nosuch: file not found", "files that exist: requirements.in"),
        (["lock", "requirements.in", "-c", "sub/dev.i"], "sub/dev.i: file not found", "did you mean 'sub/dev.in'?"),
        (["lock", "sub/pyproject.toml"], "sub/pyproject.toml: file not found", "files that exist: sub/dev.in"),
        (["tree", "other.toml"], "other.toml: file not found", "files that exist: requirements.in"),
        (["why", "app", "other.in"], "other.in: file not found", "files that exist: requirements.in"),
        (["lock", "nowhere/x.in"], "nowhere/x.in: file not found", "check the path"),
        (
            ["lock", "nowhere/uv.lock"],
            "a lock of uv is not a list of requirements",
            "name the pyproject.toml beside it",
        ),
        (
            ["tree", "poetry.lock"],
            "a lock of Poetry is not a list of requirements",
            "name the pyproject.toml beside it",
        ),
        (["lock", "Pipfile"], "a file of Pipenv is not a list of requirements", "write what it asks for"),
        (["lock", "nowhere.lock"], "nowhere.lock: file not found", "files that exist: requirements.in"),
        (["audit", "opn.toml"], "opn.toml: file not found", "did you mean 'open.toml'?"),
        (["audit", "no/gone.toml"], "no/gone.toml: file not found", "name a pylock.toml or a locked requirements file"),
        (["outdated", "elsewhere.toml"], "elsewhere.toml: file not found", "files that exist: requirements.in"),
        (
            ["lock", "requirements.in", "-o", "no/pylock.toml"],
            "the folder does not exist; nothing was changed",
            "make the folder",
        ),
        (["lock", "open.toml"], "open.toml: this is not valid TOML", "correct its syntax"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_path_is_one_error_with_a_hint(
    home: Path, run: Run, arguments: list[str], problem: str, hint: str
) -> None:
    """Two lines: what is wrong, and what was perhaps meant."""
    (home / "sub").mkdir()
    for name, text in (("requirements.in", "app\n"), ("sub/dev.in", "app\n"), ("open.toml", "a = [1\n")):
        (home / name).write_text(text, encoding="utf-8")

    ran = run(*arguments)

    first, second = ran.err.splitlines()
    assert (ran.code, problem in first, second.startswith(f"hint: {hint}")) == (2, True, True), ran.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["audit", "requirements.txt"], "pipx-parallel mirror advisories update FILE-OR-URL takes in an export of OSV"),
        (
            ["mirror", "advisories", "update", "https://index.example/all.zip", "--offline"],
            "leave out --offline, or name a file",
        ),
        (["lock", "requirements.txt", "--offline"], "with the network, this fills the mirror"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_the_mirror_lacks_has_the_hint_that_fills_it(
    home: Path, run: Run, arguments: list[str], hint: str
) -> None:
    """Advisories do not come by a lock with the network, and the metadata of projects do."""
    (home / "requirements.txt").write_text("nosuch==1\n", encoding="utf-8")

    ran = run(*arguments)

    assert (ran.code, f"hint: {hint}" in ran.err, "mirror warm" in ran.err) == (4, True, "lock" in arguments), ran.err


def test_the_error_of_an_unknown_command_of_uv_names_the_way_to_do_it(run: Run) -> None:
    """``export`` is also a command of the mirror, which a user of uv or Poetry does not mean."""
    assert "lock -o requirements.txt" in run("export").err
    assert "install.sh" in run("run").err


def _below(root: type[Exception]) -> list[type[Exception]]:
    """Return the classes of a tree that the two modules of errors define, the root apart."""
    below = [kind for child in root.__subclasses__() for kind in (child, *_below(child))]
    return [kind for kind in below if kind.__module__ in {"pipx_parallel.errors", "mirror.errors"}]


@pytest.mark.parametrize(
    "arguments",
    [
        ["lock", "--no-such"],
        ["lock", "--timeout", "never", "--packages", "app"],
        ["lock", "missing.txt"],
        ["lock", "bad.txt"],
        ["lock", "--packages", "picky,lib>=2"],
        ["lock", "--packages", "app,lib", "--offline"],
        ["lock", "--packages", "nobody-has-this"],
        ["lock", "--packages", "app", "--index-url", "http://127.0.0.1:9/simple/", "--retries", "0"],
        ["lock", "good.txt", "-o", "no/folder/pylock.toml"],
        ["lock", "good.txt", "-o", "old.txt", "--check"],
        ["mirror", "import", "bad.txt"],
        ["mirror", "serve", "--host", "192.0.2.1"],
        ["why", "nobody", "--packages", "app"],
    ],
    ids=lambda arguments: " ".join(arguments[:3]),
)
def test_text_and_json_agree(home: Path, run: Run, arguments: list[str]) -> None:
    """Headline, reasons, hints and code of one are those of the other, and so is the exit code."""
    (home / "bad.txt").write_text("lib >>> 2\n", encoding="utf-8")
    (home / "good.txt").write_text("app\n", encoding="utf-8")
    (home / "old.txt").write_text("app==0.1\n", encoding="utf-8")

    text, ran = run(*arguments), run(*arguments, "--error-format", "json")

    report = json.loads(ran.err.splitlines()[-1])
    assert (text.code, ran.out) == (ran.code, "") == (report["exit-code"], "")
    lines = re.sub(r"\d+ ms", "0 ms", text.err).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("error: "))
    assert lines[start:] == [
        f"error: {re.sub(r'[0-9]+ ms', '0 ms', report['headline'])} [{report['code']}]",
        *[f"  {line}" for line in report["reasons"]],
        *[f"hint: {line}" for line in report["hints"]],
    ]


def test_json_errors_by_the_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by the option."""
    monkeypatch.setenv("PIPX_PARALLEL_ERROR_FORMAT", "json")

    ran = run("lock", "missing.txt")

    assert json.loads(ran.err)["code"] == "requirements-error"


def _code_of(name: str) -> int:
    kind = getattr(errors, name, None) or getattr(mirror_errors, name)
    return exit_code(kind.__new__(kind))


def test_hashes_that_are_required_and_not_known_are_an_error(run: Run, index: LoopbackIndex) -> None:
    """Every pin without one is named, where no output holds hashes and so nothing is downloaded."""
    index.flavour = MODERN._replace(hashes=False)

    check_message(run("tree", "--packages", "app", "--require-hashes"), 1, "app 2.0", "lib 2.0", "--require-hashes")


def test_an_output_never_replaces_an_input(home: Path, run: Run) -> None:
    """What a lock is made from is written by people."""
    (home / "requirements.txt").write_text("app\n", encoding="utf-8")

    check_message(run("lock", "requirements.txt", "-o", "./requirements.txt"), 2, "would replace an input")
    assert (home / "requirements.txt").read_text(encoding="utf-8") == "app\n"


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_nor_through_a_link(home: Path, run: Run) -> None:
    """A link's target is what would be replaced."""
    (home / "requirements.txt").write_text("app\n", encoding="utf-8")
    (home / "locked.txt").symlink_to("requirements.txt")

    check_message(run("lock", "requirements.txt", "-o", "locked.txt"), 2, "would replace an input")
    assert (home / "requirements.txt").read_text(encoding="utf-8") == "app\n"


@pytest.mark.parametrize("command", ["lock", "resolve"])
@pytest.mark.parametrize(("output", "words"), [("nowhere/a.txt", "make the folder"), ("folder.txt", "it is a folder")])
def test_an_output_that_cannot_be_written_is_reported_before_the_work(
    home: Path, run: Run, index: LoopbackIndex, command: str, output: str, words: str
) -> None:
    """Nobody waits for a lock that has no place to go."""
    (home / "folder.txt").mkdir()

    check_message(run(command, "--packages", "app", "-o", output), 2, words)
    assert index.requests_seen == []


def test_a_chart_that_cannot_be_written_is_reported_before_the_work(run: Run, index: LoopbackIndex) -> None:
    """A benchmark takes minutes."""
    check_message(run("benchmark", "--packages", "app", "--svg", "nowhere/a.svg"), 2, "make the folder")
    assert index.requests_seen == []


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--index-url", "ftp://index.example/simple/"),
        ("--extra-index-url", "index://index.example/simple/"),
        ("--mirror", "ftp://index.example/mirror"),
        ("--mirror", "file:///mirror"),
        ("--proxy", "gopher://proxy.example:1"),
        ("--cert", "nowhere.pem"),
        ("--client-cert", "nowhere.pem"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_at_once(home: Path, run: Run, flag: str, value: str) -> None:
    """It is bad usage, not an index that is down: what the mirror holds must not hide it."""
    run("lock", "--packages", "app", "-o", "a.txt")

    check_message(run("lock", "--packages", "app", "-o", "b.txt", flag, value), 2, flag, value)
    assert sorted(path.name for path in home.iterdir()) == ["a.txt"]


def test_a_refusal_does_not_show_the_secret(run: Run) -> None:
    """Not even a wrong URL shows its password."""
    ran = run("lock", "--packages", "app", "--index-url", "ftp://me:secret@index.example/simple/")

    check_message(ran, 2, "--index-url", "index.example")
    assert "secret" not in ran.err


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize(
    ("closed", "code", "err"),
    [
        ("resolve --packages lib >&-", 2, "error: cannot write to standard output: it is closed"),
        ("lock --packages lib -o a.txt >&-", 0, "locked 1 package"),
        ("resolve --packages lib --no-hashes 2>&- >/dev/null", 0, ""),
        ("resolve --packages lib --no-hashes <&- >/dev/null", 0, ""),
        ("resolve --packages lib >/dev/full", 2, "error: cannot write to standard output: no space left"),
    ],
)
def test_streams_that_are_closed_or_full_end_in_a_sentence_at_most(
    home: Path, closed: str, code: int, err: str
) -> None:
    """Started by cron or another program, a process may lack any of the three."""
    assert home.is_dir()
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m pipx_parallel {closed}', sys.executable],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(err)
    assert "Traceback" not in done.stderr


# Runs a command line in a process where packages cannot be imported.
WITHOUT = "import sys\nsys.modules.update(dict.fromkeys({names!r}))\nfrom pipx_parallel.__main__ import main\nsys.exit(main())"


@pytest.mark.parametrize(
    ("transport", "package", "remedy"),
    [("aiohttp", "aiohttp", "[aiohttp]"), ("curl", "pycurl", "use requests instead")],
)
def test_a_transport_that_is_not_installed_is_named_with_a_remedy(
    home: Path, spawn: Run, transport: str, package: str, remedy: str
) -> None:
    """It was asked for: nothing else is used in its place."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")

    ran = spawn("lock", "r.txt", "--transport", transport, script=WITHOUT.format(names=[package]))

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: --transport {transport}")
    assert remedy in ran.err


def test_without_libcurl_the_portable_transport_serves(home: Path, spawn: Run) -> None:
    """Nobody asked for it by name."""
    (home / "r.txt").write_text("app\n", encoding="utf-8")

    ran = spawn("lock", "r.txt", "-o", "locked.txt", script=WITHOUT.format(names=["pycurl", "aiohttp"]))

    assert ran.code == 0, ran.err
    assert "app==2.0" in (home / "locked.txt").read_text(encoding="utf-8")
