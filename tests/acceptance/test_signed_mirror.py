"""A mirror that is published with a signature: a client with the key uses what the publisher has signed, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirror.exchange.published_index import DELTA, INDEX, SIGNATURE
from tests.support.dists import wheel
from tests.support.folder_server import FolderServer, served_folder
from tests.support.index_server import LoopbackIndex
from tests.support.minisign_keys import KEY, OTHER_KEY, OTHER_PUBLIC, PUBLIC
from tests.support.workspace import Ran, Workspace

pytest.importorskip("cryptography", reason="the extra [signing] is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FolderServer]:
    """Serve a folder."""
    with served_folder(tmp_path / "published") as served:
        yield served


@pytest.fixture
def signed(workspace: Workspace, folder: FolderServer) -> Workspace:
    """Return a workspace with a key, whose mirror of app is published with it."""
    workspace.write("mirror.key", KEY)
    workspace.write("other.key", OTHER_KEY)
    assert workspace.run("mirror", "warm", "--packages", "app").code == 0
    assert publish(workspace, folder).code == 0
    return workspace


def publish(workspace: Workspace, folder: FolderServer, *options: str) -> Ran:
    """Publish with a signature."""
    return workspace.run("mirror", "publish", str(folder.path), *(options or ("--sign-key", "mirror.key")))


def change(workspace: Workspace, index: LoopbackIndex, folder: FolderServer) -> None:
    """Publish again, with a release more."""
    index.publish("lib", wheel("lib", "9.0"))
    assert workspace.run("mirror", "warm", "--packages", "app", "--refresh").code == 0
    assert publish(workspace, folder).code == 0


def lock(workspace: Workspace, folder: FolderServer, key: str = PUBLIC) -> Ran:
    """Lock from the published folder; the requests that it took are in ``folder.asked``."""
    folder.asked.clear()
    return workspace.run("lock", "--packages", "app", "-o", "-", "--mirror", f"{folder.url}#minisign={key}")


def test_a_signed_mirror_locks_what_the_mirror_locks(
    signed: Workspace, folder: FolderServer, index: LoopbackIndex
) -> None:
    """A signature for the index, the next day one for the delta; a quoted key is the same key."""
    expected = signed.run("lock", "--packages", "app", "-o", "-", "--offline")

    ran = lock(signed, folder)

    assert (ran.code, ran.out) == (0, expected.out), ran.err
    assert sorted(path.split("/")[1] for path in folder.asked) == [INDEX, INDEX + SIGNATURE, "packs"]
    change(signed, index, folder)
    again = lock(signed, folder, PUBLIC.replace("+", "%2B").replace("/", "%2F"))
    assert (again.code, "lib==9.0" in again.out) == (0, True), again.err
    assert sorted(path.split("/")[1] for path in folder.asked) == [DELTA, DELTA + SIGNATURE, "packs"]


def replace_with_another(folder: FolderServer) -> None:
    """Put another mirror in its place, whose index another key has signed."""
    for name in (INDEX, DELTA):
        shutil.copy(folder.path.parent / "others" / name, folder.path / name)


def flip(folder: FolderServer) -> None:
    """Change a byte of the index."""
    data = bytearray((folder.path / INDEX).read_bytes())
    data[-1] ^= 1
    (folder.path / INDEX).write_bytes(data)


def unsign(folder: FolderServer) -> None:
    """Remove the signature of the index."""
    (folder.path / (INDEX + SIGNATURE)).unlink()


def sign_with_another(folder: FolderServer) -> None:
    """Put another mirror in its place, with its signatures."""
    for name in (INDEX, DELTA, INDEX + SIGNATURE, DELTA + SIGNATURE):
        shutil.copy(folder.path.parent / "others" / name, folder.path / name)


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (replace_with_another, "was changed"),
        (flip, "was changed"),
        (unsign, f"there is no {INDEX}{SIGNATURE}"),
        (sign_with_another, "another key"),
    ],
)
def test_an_index_that_is_not_signed_with_the_key_is_refused(
    signed: Workspace,
    folder: FolderServer,
    index: LoopbackIndex,
    tamper: Callable[[FolderServer], None],
    reason: str,
) -> None:
    """Exit code 6, nothing is written, and no more than the index and its signature are asked for, twice."""
    index.publish("lib", wheel("lib", "9.0"))
    assert signed.run("mirror", "warm", "--packages", "app", "--refresh").code == 0
    others = signed.run("mirror", "publish", str(folder.path.parent / "others"), "--sign-key", "other.key")
    assert others.code == 0
    tamper(folder)

    ran = lock(signed, folder)

    assert (ran.code, ran.out) == (6, ""), ran.err
    assert reason in ran.err
    assert "Traceback" not in ran.err
    assert {path.split("/")[1] for path in folder.asked} <= {INDEX, INDEX + SIGNATURE}
    assert len(folder.asked) == 4


@pytest.mark.parametrize("name", [DELTA, DELTA + SIGNATURE])
def test_a_delta_that_was_changed_is_refused(
    signed: Workspace, folder: FolderServer, index: LoopbackIndex, name: str
) -> None:
    """By the client of yesterday; with the key of another publisher everything is refused."""
    assert lock(signed, folder).code == 0
    before = (folder.path / name).read_bytes()
    change(signed, index, folder)
    (folder.path / name).write_bytes(before)

    ran = lock(signed, folder)

    assert (ran.code, ran.out) == (6, ""), ran.err
    assert DELTA in ran.err
    assert lock(signed, folder, OTHER_PUBLIC).code == 6


def test_an_older_publication_is_refused(signed: Workspace, folder: FolderServer, index: LoopbackIndex) -> None:
    """By whoever has used a newer one, though its signature is right; the message names what to remove if it is wanted."""
    older = folder.path.parent / "older"
    shutil.copytree(folder.path, older)
    for path in older.rglob("*.minisig"):
        assert int(path.read_text().partition("timestamp:")[2].split("\t")[0]) > 0
    change(signed, index, folder)
    publish_later(signed, folder)
    assert lock(signed, folder).code == 0
    for name in (INDEX, INDEX + SIGNATURE, DELTA, DELTA + SIGNATURE):
        shutil.copy(older / name, folder.path / name)

    ran = lock(signed, folder)

    assert ran.code == 6, ran.err
    assert "published before" in ran.err
    shutil.rmtree(ran.err.partition("remove ")[2].split()[0])
    assert lock(signed, folder).code == 0


def publish_later(workspace: Workspace, folder: FolderServer) -> None:
    """Publish until the second of the clock is another one than that of the first publication."""
    before = (folder.path / (INDEX + SIGNATURE)).read_text()
    while (folder.path / (INDEX + SIGNATURE)).read_text() == before:
        assert publish(workspace, folder).code == 0


def test_advisories_are_signed(signed: Workspace, folder: FolderServer) -> None:
    """Changed ones are refused."""
    advisory = {"id": "A-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "lib"}, "versions": ["2.0"]}]}
    with zipfile.ZipFile(signed.folder / "all.zip", "w") as archive:
        archive.writestr("A-1.json", json.dumps(advisory))
    assert signed.run("mirror", "advisories", "update", "all.zip").code == 0
    assert publish(signed, folder).code == 0
    signed.write("locked.txt", "lib==2.0\n")
    audit = ("audit", "locked.txt", "--mirror", f"{folder.url}#minisign={PUBLIC}")
    before = signed.run(*audit)
    (folder.path / "advisories.json").write_text('{"advisories":1,"header":{},"projects":{}}')

    ran = signed.run(*audit)

    assert (before.code, ran.code) == (7, 6), before.err + ran.err
    assert "A-1" in before.out
    assert "advisories.json" in ran.err


def test_a_signed_mirror_is_not_published_without_its_key(signed: Workspace, folder: FolderServer) -> None:
    """Its clients would refuse it: exit code 2, and nothing is changed."""
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}

    ran = publish(signed, folder, "--no-pages")

    assert ran.code == 2
    assert "--sign-key" in ran.err
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("mirror", "reason"),
    [
        ("m#minisign=KEY", "can be signed"),
        ("redis://host/0#minisign=KEY", "can be signed"),
        ("URL#minisgn=KEY", "after # must be minisign=KEY"),
        ("URL#minisign=", "after # must be minisign=KEY"),
        ("URL#", "after # must be minisign=KEY"),
        ("URL#minisign=RWQabc", "not a public key of minisign"),
    ],
)
def test_a_key_that_cannot_be_used_is_one_clear_error(
    workspace: Workspace, folder: FolderServer, mirror: str, reason: str
) -> None:
    """A wrong word after # must not mean that nothing is verified; no folder of that name is made, nothing is asked for."""
    location = mirror.replace("URL", folder.url).replace("KEY", PUBLIC)

    ran = workspace.run("lock", "--packages", "app", "-o", "-", "--mirror", location)

    assert (ran.code, ran.out, folder.asked) == (2, "", []), ran.err
    assert reason in ran.err
    assert "Traceback" not in ran.err
    assert workspace.names() == []


def test_a_key_file_that_cannot_be_read_is_one_clear_error(workspace: Workspace, tmp_path: Path) -> None:
    """Exit code 2; nothing is published."""
    workspace.write("text", "no key\n")

    for name, reason in (("none.key", "none.key: cannot be read"), ("text", "minisign -G -W")):
        ran = workspace.run("mirror", "publish", str(tmp_path / "out"), "--sign-key", name)

        assert ran.code == 2
        assert reason in ran.err
        assert not (tmp_path / "out").exists()


needs_minisign = pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")


@needs_minisign
@pytest.mark.usefixtures("signed")
def test_minisign_accepts_our_signatures(folder: FolderServer) -> None:
    """Of the index and of the delta."""
    for name in (INDEX, DELTA):
        command = ("minisign", "-V", "-P", PUBLIC, "-m", str(folder.path / name))
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stderr
        assert f"file:{name}" in done.stdout


@needs_minisign
def test_signatures_of_minisign_are_accepted(workspace: Workspace, folder: FolderServer) -> None:
    """``minisign -S`` beside an unsigned publication, with a key that it made."""
    assert workspace.run("mirror", "warm", "--packages", "app").code == 0
    assert publish(workspace, folder, "--no-pages").code == 0
    environment = {**os.environ, "HOME": str(workspace.folder)}
    for command in (["-G", "-W", "-p", "k.pub", "-s", "k.key"], ["-S", "-s", "k.key", "-m", INDEX, DELTA]):
        files = [str(folder.path / word) if word in {INDEX, DELTA} else word for word in command]
        subprocess.run(["minisign", *files], cwd=workspace.folder, env=environment, check=True, capture_output=True)
    key = workspace.read("k.pub").decode().splitlines()[1]

    ran = lock(workspace, folder, key)
    again = lock(workspace, folder, key)

    assert (ran.code, again.code) == (0, 0), ran.err + again.err
    assert lock(workspace, folder).code == 6
