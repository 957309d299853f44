"""No password and no signature of an index's pages, and none of a mirror's address, is kept or shown anywhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from mirror.exchange.record_iterator import readable
from mirror.keys import files_key_of, simple_index
from mirror.records.file_view import digest_of, pack, read_all
from mirror.records.release_view import ReleaseView, encode
from mirror.session.open_store import open_store
from tests.support.dists import wheel
from tests.support.index_http import Answer
from tests.support.index_server import LoopbackIndex
from tests.support.redis_server import AVAILABLE, RedisServer
from tests.support.served import Served
from tests.support.workspace import Workspace

SECRET = "s3kritPLANTED"  # noqa: S105 - planted, to be found nowhere
FORMS = (SECRET.encode(), base64.b64encode(f"me:{SECRET}".encode()))
SHOWN = (
    "/simple/", "/simple/app/", "/files/app/app-2.0-py3-none-any.whl", "/files/app/app-2.0-py3-none-any.whl.metadata", "/index.zst",
    "/keys.json", "/metrics", "/healthz", "/", "/ui/projects/", "/ui/projects/app/", "/ui/lock",
)  # fmt: skip
CHAIN = {"app": "2.0", "lib": "1.0"}


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve two projects."""
    with LoopbackIndex(
        {"app": [wheel("app", "1.0"), wheel("app", "2.0", ["lib"])], "lib": [wheel("lib", "1.0")]}
    ) as served:
        yield served


def _replacing(index: LoopbackIndex, old: str, new: str) -> None:
    """Have the index write something else into its pages."""
    plain = index._project

    def project(name: str, path: str, headers: Mapping[str, str]) -> Answer:
        answer = plain(name, path, headers)
        return answer._replace(body=answer.body.replace(old.encode(), new.encode()))

    index._project = project  # type: ignore[method-assign]  # an index that no honest flavour describes


def _userinfo(index: LoopbackIndex) -> None:
    _replacing(index, index.root, index.root.replace("//", f"//me:{SECRET}@"))


def _escaped(index: LoopbackIndex) -> None:
    _replacing(index, f"{index.root}/", index.root.replace("//", f"\\/\\/me:{SECRET}\\u0040") + "\\/")


def _scheme_relative(index: LoopbackIndex) -> None:
    _replacing(index, index.root, index.root.replace("http://", f"//me:{SECRET}@"))


def _provenance(index: LoopbackIndex) -> None:
    provenance = index.root.replace("//", f"//me:{SECRET}@") + "/p"
    _replacing(index, '"filename":', f'"provenance": "{provenance}", "filename":')


def _signed(index: LoopbackIndex) -> None:
    """Each page is reached by a redirect to a signed address."""
    plain = index.answer

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path.startswith("/simple/"):
            return Answer(302, b"", (("Location", f"{index.root}/moved{path}?X-Amz-Signature={SECRET}"),))
        return plain(path, headers)

    index.answer = answer  # type: ignore[method-assign]  # likewise


def _signed_files(index: LoopbackIndex) -> None:
    """Each file is at a signed address, and nothing is given without the signature."""
    plain_page, plain = index._project, index.answer

    def project(name: str, path: str, headers: Mapping[str, str]) -> Answer:
        page = plain_page(name, path, headers)
        signed = rf"\1?X-Amz-Date=2026&X-Amz-Signature={SECRET}".encode()
        return page._replace(body=re.sub(rb"(/files/[^\"#]+\.whl)", signed, page.body))

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path.startswith("/files/") and f"X-Amz-Signature={SECRET}" not in headers.get(":query", ""):
            return Answer(403, b"", ())
        return plain(path, headers)

    index._project, index.answer = project, answer  # type: ignore[method-assign]  # likewise


KINDS: dict[str, Callable[[LoopbackIndex], None]] = {
    "userinfo": _userinfo,
    "escaped": _escaped,
    "scheme-relative": _scheme_relative,
    "provenance": _provenance,
    "signed": _signed,
    "signed files": _signed_files,
}


@pytest.mark.parametrize("transport", ["curl", "requests", "aiohttp"])
@pytest.mark.parametrize("plant", KINDS.values(), ids=KINDS)
def test_a_planted_secret_is_nowhere(
    workspace: Workspace, index: LoopbackIndex, plant: Callable[[LoopbackIndex], None], transport: str
) -> None:
    """Not in a record, a lock, a snapshot, a published folder, or a message."""
    plant(index)

    ran = [workspace.lock("app", flags=["--transport", transport, "-v"])]
    ran.append(workspace.run("mirror", "warm", "--packages", "app==1.0", "--refresh", "--transport", transport))
    old = workspace.run(
        "lock", "--packages", "app<2", "-o", "pylock.old.toml", "--transport", transport
    )  # from what is stored
    ran.append(old)
    ran.append(workspace.run("mirror", "export", "all.snap", "--files", "all"))
    ran.append(workspace.run("mirror", "publish", "public"))

    assert [done.code for done in ran] == [0, 0, 0, 0, 0], [done.err for done in ran]
    assert workspace.pins() == CHAIN
    assert [done for done in ran if SECRET in done.out + done.err] == []
    assert _leaking(workspace.mirror) == []
    for path in workspace.folder.rglob("*"):
        assert not path.is_file() or not _leaks(path.read_bytes()), path


def test_no_answer_of_a_server_and_no_value_of_redis_holds_a_secret(tmp_path: Path, index: LoopbackIndex) -> None:
    """Pages in both formats, the file route, records, metrics; and everything that Redis holds."""
    _signed_files(index)
    _userinfo(index)
    server = Served(tmp_path, index)
    try:
        records = f"/records?index={simple_index(index.url).id}&names=app&"
        for path in (*SHOWN, records + "reach=1", records + "files=1"):
            for accept in ("text/html", "application/vnd.pypi.simple.v1+json"):
                status, headers, body = server.get(path, Accept=accept)
                assert (path, status) in {(path, 200), (path, 302)}
                assert not _leaks(repr(headers).encode() + body), path
        assert SECRET not in server.lock(b"app\n")[1]
    finally:
        log = server.stop()
    assert SECRET not in log
    if AVAILABLE:
        (tmp_path / "data").mkdir()
        with RedisServer(tmp_path / "data") as redis:
            workspace = Workspace(tmp_path / "w", index.url)
            assert workspace.lock("app", flags=["--mirror", redis.url]).code == 0
            assert _leaking(redis.url) == []


def test_doctor_takes_secrets_out(workspace: Workspace) -> None:
    """A mirror of an earlier version is cleaned, and nothing else of it is lost."""
    assert workspace.lock("app").code == 0
    _taint(workspace.mirror)
    assert _leaking(workspace.mirror) != []

    ran = workspace.run("mirror", "doctor")
    assert (ran.code, "credentials" in ran.err, SECRET in ran.err) == (6, True, False), ran.err
    assert workspace.run("mirror", "doctor", "--repair").code == 0

    assert _leaking(workspace.mirror) == []
    assert workspace.run("mirror", "doctor").code == 0
    assert (workspace.lock("app", flags=["--offline"]).code, workspace.pins()) == (0, CHAIN)


ADDRESSES = [
    f"http://me:{SECRET}@127.0.0.1:9",
    f"HTTP://me:{SECRET}@127.0.0.1:9",
    f"http://me:{SECRET}/x@127.0.0.1:9",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_password_of_a_mirror_is_not_shown(workspace: Workspace, address: str) -> None:
    """Nor is a folder made of an address."""
    for command in (["lock", "--packages", "app", "--offline"], ["mirror", "prune", "--max-age", "1"]):
        ran = workspace.run(*command, "--mirror", address)

        assert ran.code in {2, 5}, ran.err
        assert SECRET not in ran.out + ran.err
    assert workspace.names() == []


@pytest.mark.parametrize("proxy", [f"http://me:a/{SECRET}@127.0.0.1:9", f"http://me:{SECRET}@127.0.0.1:x"])
@pytest.mark.parametrize("transport", ["curl", "requests"])
def test_the_password_of_a_proxy_is_not_shown(workspace: Workspace, proxy: str, transport: str) -> None:
    """Also where its URL cannot be read."""
    ran = workspace.run("lock", "--packages", "app", "--retries", "0", "--transport", transport, "--proxy", proxy)

    assert ran.code in {2, 5}, ran.err
    assert SECRET not in ran.out + ran.err


def _leaking(mirror: Path | str) -> list[str]:
    """Return the keys of the records that hold a planted secret."""
    store = open_store(str(mirror))
    try:
        return [key for key, _ in store.scan() if _leaks(store.get_many((key,)).get(key, b""))]
    finally:
        store.close()


def _leaks(data: bytes) -> bool:
    """Return whether bytes hold a secret, compressed or not."""
    pieces, start = [data], data.find(zstandard.FRAME_HEADER)
    while start >= 0:
        with suppress(zstandard.ZstdError):
            pieces.append(zstandard.ZstdDecompressor().decompressobj().decompress(data[start:]))
        start = data.find(zstandard.FRAME_HEADER, start + 1)
    return any(form in piece for form in FORMS for piece in pieces)


def _taint(mirror: Path) -> None:
    """Plant secrets as earlier versions kept them."""
    store = open_store(str(mirror))
    for entry in list(readable(store)):
        packed = entry.load()
        assert packed is not None
        assert isinstance(entry.view, ReleaseView)
        slices = [piece.replace(b"http://", f"http://me:{SECRET}@".encode()) for piece in read_all(packed)]
        tainted = pack([(piece,) for piece in slices])
        entry.view.digest = digest_of(tainted)
        entry.view.page_url = f"http://127.0.0.1/simple/x/?X-Amz-Signature={SECRET}"  # type: ignore[assignment]
        store.put_many({files_key_of(entry.key): tainted, entry.key: encode(entry.view)})
    store.close()
