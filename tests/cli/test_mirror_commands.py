"""``mirror export``, ``import``, ``diff``, ``verify``, ``warm``, ``prune``, ``doctor`` and ``publish``."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mirror.records.release_view import SCHEMA
from mirror.session.open_store import open_store
from mirror.store.disk import DiskStore
from tests.cli.conftest import Run
from tests.cli.test_lock import without_command
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex


def warm(run: Run, *arguments: str) -> None:
    """Fill the mirror with what app needs."""
    assert run("mirror", "warm", "--packages", "app", *arguments).code == 0


def forget(mirror: Path, name: str) -> None:
    """Delete the release view of a project."""
    store = DiskStore(str(mirror))
    keys = [key for key, _ in store.scan("v/") if key.endswith(f"/{name}")]
    assert store.delete_many(keys) == 1
    store.close()


@pytest.fixture
def mirror(tmp_path: Path, home: Path) -> Path:
    """Return where the mirror of the test is."""
    assert home.is_dir()
    return tmp_path / "mirror"


def test_an_exported_mirror_locks_elsewhere_with_the_same_bytes(run: Run, index: LoopbackIndex, tmp_path: Path) -> None:
    """Straight from the file, and imported into an empty mirror, with the index gone."""
    assert run("lock", "--packages", "app", "-o", "pylock.toml").code == 0
    assert run("mirror", "export", "a.snap").code == 0
    assert run("mirror", "export", "b.snap").code == 0
    index.fail("*", times=100)
    seen = len(index.requests_seen)

    direct = run("lock", "--packages", "app", "-o", "pylock.direct.toml", "--mirror", "a.snap")
    imported = run("mirror", "import", "a.snap", "--mirror", str(tmp_path / "other"))
    locked = run(
        "lock", "--packages", "app", "-o", "pylock.other.toml", "--mirror", str(tmp_path / "other"), "--offline"
    )

    assert (direct.code, imported.code, locked.code) == (0, 0, 0), direct.err + imported.err + locked.err
    assert Path("a.snap").read_bytes() == Path("b.snap").read_bytes()
    assert without_command(Path("pylock.toml")) == without_command(Path("pylock.direct.toml"))
    assert without_command(Path("pylock.toml")) == without_command(Path("pylock.other.toml"))
    assert len(index.requests_seen) == seen


def test_a_snapshot_can_be_verified_and_not_changed(run: Run) -> None:
    """``verify``, ``doctor`` and ``status`` read it; a command that would change it is refused."""
    warm(run, "--depth", "closure")
    assert run("mirror", "export", "a.snap").code == 0

    for command in (("verify", "--packages", "app"), ("doctor",), ("status",)):
        printed = run("mirror", *command, "--mirror", "a.snap")
        assert printed.code == 0, printed.err
    for change in (
        ("warm", "--packages", "app"),
        ("prune", "--max-size", "1"),
        ("import", "a.snap"),
        ("doctor", "--repair"),
    ):
        printed = run("mirror", *change, "--mirror", "a.snap")
        assert (printed.code, "can only be read" in printed.err) == (2, True), printed.err


def test_export_for_a_source_leaves_the_rest_out(run: Run) -> None:
    """Only what the source can reach goes along."""
    assert run("mirror", "warm", "--packages", "app,picky").code == 0
    Path("req.in").write_text("picky\n", encoding="utf-8")

    assert run("mirror", "export", "part.snap", "--for", "req.in").code == 0

    assert run("resolve", "--packages", "picky", "--mirror", "part.snap").code == 0
    assert run("resolve", "--packages", "app", "--mirror", "part.snap").code == 4


def test_a_damaged_export_is_exit_6(run: Run) -> None:
    """To import and to resolve from alike."""
    warm(run)
    assert run("mirror", "export", "a.snap").code == 0
    data = bytearray(Path("a.snap").read_bytes())
    data[len(data) // 2] ^= 1
    Path("a.snap").write_bytes(data)

    assert run("mirror", "import", "a.snap").code == 6
    assert run("resolve", "--packages", "app", "--mirror", "a.snap").code == 6


def test_diff_names_what_changed(run: Run, index: LoopbackIndex) -> None:
    """A new release, a yank, a new project."""
    warm(run)
    run("mirror", "export", "before.snap", "--files", "all")
    index.publish("lib", wheel("lib", "3.0"))
    assert run("mirror", "warm", "--packages", "app,picky", "--refresh").code == 0

    printed = run("mirror", "diff", "before.snap", str(Path("../mirror")), "--format", "json")

    changes = {row["name"]: row for row in json.loads(printed.out)}
    assert changes["lib"]["added"] == ["3.0"]
    assert changes["picky"]["kind"] == "added"


def test_verify_predicts_the_hole_that_a_deleted_record_makes(run: Run, mirror: Path) -> None:
    """Closed, then holed, then named, then filled again."""
    warm(run, "--depth", "closure")
    assert run("mirror", "verify", "--packages", "app").code == 0
    forget(mirror, "lib")

    printed = run("mirror", "verify", "--packages", "app")

    assert printed.code == 4
    assert "lib 1" in printed.err
    assert run("resolve", "--packages", "app", "--offline").code == 4
    warm(run, "--depth", "closure")
    assert run("mirror", "verify", "--packages", "app").code == 0


def test_verify_says_that_records_are_of_an_older_version(run: Run, mirror: Path) -> None:
    """They are not damaged, and warming again fetches them anew."""
    warm(run)
    store = open_store(str(mirror))
    key = next(key for key, _ in store.scan("v/"))
    store.put_many({key: store.get_many((key,))[key].replace(f'"schema":{SCHEMA}'.encode(), b'"schema":1', 1)})
    store.close()

    ran = run("mirror", "verify", "--packages", "app")

    assert ran.code == 4
    assert "1 record was written by an older version: run `mirror warm` again" in ran.err
    warm(run)
    assert run("mirror", "verify").code == 0


def test_verify_knows_what_the_portable_transport_keeps(run: Run) -> None:
    """Its validators are no foreign records."""
    warm(run, "--depth", "closure", "--transport", "requests")

    assert run("mirror", "verify", "--packages", "app").code == 0


def test_a_chosen_mirror_is_not_closed_and_says_where(run: Run) -> None:
    """What was only resolved once lacks what another constraint would choose."""
    warm(run)

    printed = run("mirror", "verify", "--packages", "app")

    assert printed.code == 4
    assert "2 of at least 4 releases that a re-resolve could reach have no metadata (app 1, lib 1)" in printed.err
    assert "hint: fill the mirror: pipx-parallel mirror warm --depth closure --packages=app\n" in printed.err
    assert "mirror warm --depth closure" in printed.err
    assert run("resolve", "--packages", "app<2", "--offline").code == 4


def test_a_closed_mirror_answers_every_constraint_offline(run: Run, index: LoopbackIndex) -> None:
    """With the same answers as with the network."""
    lists = ["app", "app<2", "app,lib<2", "app<2,lib==1.0", "app>=2"]
    online = [run("resolve", "--packages", requirement).out for requirement in lists]
    warm(run, "--depth", "closure")
    index.fail("*", times=100)

    assert [run("resolve", "--packages", requirement, "--offline").out for requirement in lists] == online


def test_verify_notices_a_record_that_was_altered(run: Run, mirror: Path) -> None:
    """A single byte of a stored row is exit 6, and the record is named."""
    warm(run, "--depth", "closure")
    with sqlite3.connect(mirror / "cache.db") as database:
        key, value = database.execute("SELECT key, value FROM Cache WHERE key LIKE 'v/%/lib'").fetchone()
        database.execute("UPDATE Cache SET value = ? WHERE key = ?", (value.replace(b"1.0", b"1.9", 1), key))
    database.close()

    printed = run("mirror", "verify")

    assert printed.code == 6
    assert "/lib" in printed.err


def test_an_attestation_holds_until_what_it_covers_changes(run: Run, index: LoopbackIndex) -> None:
    """Fetching the same pages again keeps it; a new release does not."""
    warm(run, "--depth", "closure")
    assert run("mirror", "verify", "--packages", "app", "--certificate", "cert.json").code == 0
    warm(run, "--depth", "closure", "--refresh")
    assert run("mirror", "verify", "--against", "cert.json").code == 0
    index.publish("lib", wheel("lib", "3.0"))
    warm(run, "--depth", "closure", "--refresh")

    printed = run("mirror", "verify", "--against", "cert.json")

    assert printed.code == 4
    assert "/lib" in printed.err


def test_an_altered_attestation_is_exit_6(run: Run) -> None:
    """It covers itself."""
    warm(run, "--depth", "closure")
    run("mirror", "verify", "--packages", "app", "--certificate", "cert.json")
    text = Path("cert.json").read_text(encoding="utf-8")
    Path("cert.json").write_text(text.replace("/lib", "/lib2"), encoding="utf-8")

    assert run("mirror", "verify", "--against", "cert.json").code == 6


def test_prune_spares_what_an_attestation_covers(run: Run) -> None:
    """The rest goes."""
    warm(run, "--depth", "closure")
    run("mirror", "verify", "--packages", "app", "--certificate", "cert.json")
    run("mirror", "warm", "--packages", "picky")

    printed = run("mirror", "prune", "--max-size", "1")

    assert printed.code == 0
    assert "deleted 1 project," in printed.err
    assert run("resolve", "--packages", "app", "--offline").code == 0
    assert run("resolve", "--packages", "picky", "--offline").code == 4


def test_an_unchanged_mirror_is_warmed_with_one_conditional_request_a_project(run: Run, index: LoopbackIndex) -> None:
    """And none of them brings a page."""
    warm(run, "--depth", "closure")
    before = len(index.requests_seen)

    warm(run, "--depth", "closure", "--refresh")

    asked = index.requests_seen[before:]
    assert sorted(seen.path for seen in asked) == ["/simple/app/", "/simple/lib/"]
    assert {seen.status for seen in asked} == {304}


def test_a_warm_stopped_by_its_budget_goes_on_where_it_was(run: Run, index: LoopbackIndex) -> None:
    """The second run asks only for what the first did not bring."""
    printed = run("mirror", "warm", "--packages", "app", "--depth", "closure", "--max-requests", "1")
    assert "run again to go on" in printed.err
    first = len(index.requests_seen)
    warm(run, "--depth", "closure")

    paths = index.paths()
    assert run("mirror", "verify", "--packages", "app").code == 0
    assert len(paths) == len(set(paths))
    assert first < len(paths)


def test_a_window_loads_only_the_newest_releases(run: Run, index: LoopbackIndex) -> None:
    """Older releases are not requested, not even those of dependencies."""
    warm(run, "--depth", "window:1")

    asked = [path for path in index.paths() if "1.0" in path]
    assert asked == []
    assert run("mirror", "warm", "--packages", "app", "--depth", "window:0").code == 2


@pytest.mark.parametrize("depth", [(), ("--depth", "window:1"), ("--depth", "closure")])
def test_a_file_of_names_is_enough_for_a_lock_of_them_all_with_the_closure(
    home: Path, run: Run, index: LoopbackIndex, depth: tuple[str, ...]
) -> None:
    """Which takes an older release and a pre-release, because the names contradict each other's newest; else both are named."""
    index.publish("a", wheel("a", "1.0", ["old", "lib<2"]), wheel("a", "2.0", ["lib>=2"]))
    index.publish("b", wheel("b", "1.0", ["early>=2.0a1", "lib<2"]))
    index.publish("early", wheel("early", "1.0"), wheel("early", "2.0a1", ["deep"]))
    for name in ("old", "deep"):
        index.publish(name, wheel(name, "1.0"))
    (home / "names.txt").write_text("a\nb\n", encoding="utf-8")
    (home / "r.in").write_text("a\nb\n", encoding="utf-8")

    warmed = run("mirror", "warm", "--packages-file", "names.txt", *depth)
    locked = run("lock", "r.in", "-o", "r.txt", "--no-hashes", "--offline")

    assert warmed.code == 0, warmed.err
    assert ("--depth closure fetches those, too" in warmed.err) is (not depth)
    assert locked.code == (0 if "closure" in depth else 4), locked.err
    if locked.code:
        assert "a" in locked.err
        assert "hint: with the network, this fills the mirror: pipx-parallel mirror warm r.in" in locked.err


def test_a_file_of_names_is_warmed(run: Run) -> None:
    """Comments and blank lines are passed over."""
    Path("names.txt").write_text("app  # the app\n\npicky\n", encoding="utf-8")

    assert run("mirror", "warm", "--packages-file", "names.txt").code == 0
    assert run("resolve", "--packages", "picky", "--offline").code == 0


def test_the_doctor_finds_and_removes_a_foreign_row(run: Run, mirror: Path) -> None:
    """Without ever unpickling it."""
    warm(run)
    with sqlite3.connect(mirror / "cache.db") as database:
        database.execute("UPDATE Cache SET mode = 4 WHERE key LIKE 'v/%/lib'")
    database.close()

    assert run("mirror", "doctor").code == 6
    assert run("mirror", "doctor", "--repair").code == 0
    assert run("mirror", "doctor").code == 0
    assert run("resolve", "--packages", "app").code == 0


@pytest.fixture
def web(home: Path) -> Iterator[str]:
    """Serve the folder ``pub`` of the test's folder as any web server would; return its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Log nothing."""

    (home / "pub").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(home / "pub")))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_published_folder_is_a_mirror(run: Run, web: str, index: LoopbackIndex) -> None:
    """Locks are the same bytes; nothing is asked of the index."""
    assert run("lock", "--packages", "app", "-o", "pylock.toml").code == 0
    assert run("mirror", "publish", "pub").code == 0
    seen = len(index.requests_seen)

    done = run("lock", "--packages", "app", "-o", "pylock.web.toml", "--mirror", web)

    assert done.code == 0, done.err
    assert without_command(Path("pylock.toml")) == without_command(Path("pylock.web.toml"))
    assert len(index.requests_seen) == seen


def test_a_lock_from_a_published_folder_takes_two_requests(run: Run, web: str) -> None:
    """The index, and what it gives in one go; the single records are not there any more."""
    warm(run)
    assert run("lock", "--packages", "app", "-o", "pylock.toml").code == 0
    assert run("mirror", "publish", "pub").code == 0
    for path in Path("pub/files").rglob("*.ppf"):
        path.unlink()

    done = run("lock", "--packages", "app", "-o", "pylock.web.toml", "--mirror", web)

    assert done.code == 0, done.err
    assert without_command(Path("pylock.toml")) == without_command(Path("pylock.web.toml"))


def test_publishing_again_writes_only_what_changed(run: Run, index: LoopbackIndex) -> None:
    """The changed project's files and the index."""
    warm(run)
    run("mirror", "publish", "pub")
    before = {path: path.stat().st_mtime_ns for path in Path("pub").rglob("*") if path.is_file()}
    index.publish("lib", wheel("lib", "3.0"))
    warm(run, "--refresh")
    run("mirror", "publish", "pub")

    changed = {path.as_posix() for path, moment in before.items() if path.stat().st_mtime_ns != moment}
    expected = {"pub/index.zst", "pub/delta.zst", "pub/ui/projects/index.html"}
    assert all("lib" in path or path in expected for path in changed), changed
    assert any(path.endswith("lib/index.html") for path in changed)


def test_a_published_record_that_was_altered_is_exit_6(run: Run, web: str) -> None:
    """The index of digests covers every shard, and every file view that is read by itself."""
    warm(run)
    run("mirror", "publish", "pub")
    (pack,) = Path("pub/packs").iterdir()
    sound = pack.read_bytes()
    pack.write_bytes(sound[:-1] + b"?")
    assert run("resolve", "--packages", "app,lib", "--mirror", web).code == 6

    pack.write_bytes(sound)
    assert run("resolve", "--packages", "app,lib", "--mirror", web).code == 0
    pack.unlink()
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"], "pipx-parallel", "published"))
    gone = run("resolve", "--packages", "app,lib", "--mirror", web)
    assert (gone.code, "publish again" in gone.err) == (5, True)


@pytest.mark.parametrize("budget", [("--max-requests", "1"), ("--max-time", "0.001")])
@pytest.mark.parametrize("depth", [(), ("--depth", "chosen"), ("--depth", "window:1"), ("--depth", "closure")])
def test_a_budget_stops_every_depth(
    run: Run, index: LoopbackIndex, budget: tuple[str, ...], depth: tuple[str, ...]
) -> None:
    """The default depth, too; run again without it, the mirror is filled."""
    ran = run("mirror", "warm", "--packages", "app", *budget, *depth)

    assert (ran.code, "stopped by the budget" in ran.err) == (0, True)
    assert len(index.requests_seen) <= 1
    assert run("mirror", "warm", "--packages", "app").code == 0
    assert run("resolve", "--packages", "app", "--offline").code == 0


@pytest.mark.parametrize("depth", ["chosen", "window:2", "closure"])
def test_small_budgets_add_up_to_a_full_mirror(run: Run, index: LoopbackIndex, depth: str) -> None:
    """No run makes more requests than it may, each goes on where the last was stopped, and nothing is asked for twice."""
    stopped = True
    while stopped:
        before = len(index.requests_seen)
        ran = run("mirror", "warm", "--packages", "app", "--depth", depth, "--max-requests", "2")
        assert (ran.code, len(index.requests_seen) - before <= 2) == (0, True)
        stopped = "stopped by the budget" in ran.err
        assert not stopped or len(index.requests_seen) > before

    assert run("resolve", "--packages", "app", "--offline").code == 0
    assert len(index.paths()) == len(set(index.paths()))


def test_a_budget_that_suffices_fills_the_mirror(run: Run) -> None:
    """All that a resolve needs is there afterwards."""
    ran = run("mirror", "warm", "--packages", "app", "--max-requests", "1000", "--max-time", "60.5")

    assert (ran.code, "stopped" in ran.err) == (0, False)
    assert run("resolve", "--packages", "app", "--offline").code == 0


def test_a_damaged_record_is_one_short_line(run: Run, mirror: Path) -> None:
    """Its bytes are not printed."""
    warm(run)
    with closing(sqlite3.connect(mirror / "cache.db")) as database, database:
        key, value = database.execute("SELECT key, value FROM Cache WHERE key LIKE 'v/%/lib'").fetchone()
        database.execute("UPDATE Cache SET value = ? WHERE key = ?", (value[:40] + b"\xff" + value[41:], key))

    for command in (("mirror", "doctor"), ("mirror", "verify"), ("resolve", "--packages", "app")):
        assert max(map(len, run(*command).err.splitlines()), default=0) < 200


def test_a_name_that_no_index_has_is_not_suggested(run: Run) -> None:
    """The mirror knows that it is absent; a name that exists is suggested."""
    run("resolve", "--packages", "pickyy-pick")
    warm(run)

    assert "did you mean" not in run("resolve", "--packages", "pickyy-pickk").err
    assert "did you mean 'app'?" in run("resolve", "--packages", "appp").err


@pytest.mark.parametrize("port", ["taken", "99999"])
def test_an_address_that_cannot_be_used_is_the_users_to_change(run: Run, port: str) -> None:
    """Exit 2 with a remedy, no internal error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = str(taken.getsockname()[1]) if port == "taken" else port
        ran = run("mirror", "serve", "--port", number)

    assert (ran.code, "use another --port" in ran.err, "report it" in ran.err) == (2, True, False)


def test_a_snapshot_goes_through_a_pipe(run: Run, mirror: Path, tmp_path: Path) -> None:
    """``export -`` writes to standard output and nothing else, ``import -`` reads standard input; no file is called "-"."""
    warm(run)
    assert run("mirror", "export", "a.snap").code == 0
    tool = [sys.executable, "-m", "pipx_parallel", "mirror"]

    written = subprocess.run(
        [*tool, "export", "-", "--mirror", str(mirror)], capture_output=True, check=True, timeout=60
    )
    done = subprocess.run(
        [*tool, "import", "-", "--mirror", str(tmp_path / "other")], input=written.stdout, capture_output=True,
        check=True, timeout=60,
    )  # fmt: skip

    assert written.stdout == Path("a.snap").read_bytes()
    assert b"imported" in done.stderr
    assert not Path("-").exists()
    assert run("mirror", "diff", str(mirror), str(tmp_path / "other")).out == ""


def test_publishing_says_that_pages_are_partial(run: Run, index: LoopbackIndex) -> None:
    """A lock keeps the files of the newest releases only; after ``mirror warm`` the pages are whole and nothing is said."""
    index.publish("many", *[wheel("many", f"{number}.0") for number in range(300)])
    assert run("lock", "--packages", "many", "-o", "pylock.toml").code == 0
    partial = run("mirror", "publish", "pub")
    assert run("mirror", "warm", "--packages", "many").code == 0
    whole = run("mirror", "publish", "pub")

    assert "1 page of pub/simple lack older releases" in partial.err
    assert "older releases" not in whole.err


@pytest.mark.parametrize("kind", ["snapshot", "folder"])
def test_a_mirror_of_another_index_is_called_that(run: Run, mirror: Path, index: LoopbackIndex, kind: str) -> None:
    """The message names what the mirror holds and what was asked for, without secrets; the right index locks."""
    assert run("lock", "--packages", "app", "-o", "pylock.toml").code == 0
    assert run("mirror", "export", "a.snap").code == 0
    options = ["--mirror", "a.snap"] if kind == "snapshot" else ["--mirror", str(mirror), "--offline"]

    other = run("lock", "--packages", "app", *options, "--index-url", "https://me:s3krit@index.example/simple")

    assert other.code == 4
    assert f"it holds {index.url.rstrip('/')}, not https://index.example/simple" in other.err
    assert "s3krit" not in other.err
    assert "it holds" not in run("lock", "--packages", "nothing-there", *options).err
    assert run("lock", "--packages", "app", *options).code == 0
