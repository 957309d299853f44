"""Every kind of record that the product writes is known to whoever looks after a mirror."""

from __future__ import annotations

import json
import zipfile

from mirror.keys import FILES, KINDS, VIEWS, kind_of
from mirror.store.disk import DiskStore
from tests.support.dists import sdist, wheel
from tests.support.index_pages import HTML_TYPE, Page
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace


def _keys(workspace: Workspace) -> list[str]:
    """Return the keys of the workspace's mirror."""
    store = DiskStore(str(workspace.mirror))
    try:
        return [key for key, _ in store.scan()]
    finally:
        store.close()


def test_doctor_leaves_a_record_of_every_kind_alone(workspace: Workspace, index: LoopbackIndex) -> None:
    """One mirror that has seen builds, a direct reference, a find-links page, an attestation, a file without upload time, …."""
    index.publish("dyn", sdist("dyn", "1.0", ["lib<2"], static=False))
    linked, direct = wheel("linked", "1.0"), wheel("direct", "1.0")
    page = f'<a href="../../files/linked/{linked.filename}#sha256={linked.sha256}">linked</a>'
    with LoopbackIndex({"links": Page(page.encode(), HTML_TYPE), "linked": [linked], "direct": [direct]}) as site:
        reference = f"direct @ {site.root}/files/direct/{direct.filename}"
        flags = ["-f", f"{site.root}/simple/links/", "--transport", "requests"]
        ran = workspace.lock("app", "dyn", "linked", reference, flags=flags)
        assert ran.code == 0, ran.err
    index.publish("broken", sdist("broken", "1.0", ["lib"], static=False, broken=True))
    workspace.write("broken.txt", "broken\n")
    assert workspace.run("lock", "broken.txt", "-o", "broken.out.txt").code == 1
    workspace.write("closed.txt", "app\n")
    assert workspace.run("mirror", "warm", "closed.txt", "--depth", "closure").code == 0
    ran = workspace.run("mirror", "verify", "closed.txt", "--certificate", "closed.json")
    assert ran.code == 0, ran.err
    with zipfile.ZipFile(workspace.folder / "all.zip", "w") as archive:
        affected = [{"package": {"ecosystem": "PyPI", "name": "app"}, "versions": ["0.1"]}]
        archive.writestr("a.json", json.dumps({"id": "A-1", "affected": affected}))
    assert workspace.run("mirror", "advisories", "update", "all.zip").code == 0
    signed = wheel("signed", "1.0", upload_time=None)._replace(provenance="../../files/signed/signed.provenance")
    index.publish("signed", signed, signed._replace(filename="signed.provenance", body=b'{"attestation_bundles":[]}'))
    assert workspace.run("lock", "--packages", "signed", "--attestation-identities", "-o", "signed.txt").code == 0
    before = _keys(workspace)

    ran = workspace.run("mirror", "doctor")

    assert ran.code == 0, ran.err
    assert "delete" not in ran.err
    assert {kind_of(key) for key in before} == set(KINDS)
    assert _keys(workspace) == before


def test_doctor_deletes_only_what_an_index_has(workspace: Workspace) -> None:
    """A key of no kind, and a damaged view with its files; the rest is no index's to give again."""
    assert workspace.lock("app").code == 0
    store = DiskStore(str(workspace.mirror))
    view = next(key for key, _ in store.scan(VIEWS.prefix))
    store.put_many({view: b"{}", "z/foreign": b"x"})
    remaining = [key for key, _ in store.scan() if key not in {view, FILES.key(VIEWS.name(view)), "z/foreign"}]
    store.close()

    ran = workspace.run("mirror", "doctor", "--repair")

    assert ran.code == 0, ran.err
    assert [key for key in remaining if key not in _keys(workspace)] == []
    assert "z/foreign" not in _keys(workspace)
    assert view not in _keys(workspace)
