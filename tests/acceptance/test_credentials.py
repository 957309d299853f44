"""Indexes that want to know who asks: every way to tell them, and not a trace of the secret anywhere afterwards."""

from __future__ import annotations

import base64
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.store.disk import DiskStore
from tests.support.dists import sdist, wheel
from tests.support.index_pages import HTML_ONLY, HTML_TYPE, MODERN, Page
from tests.support.index_server import LoopbackIndex
from tests.support.proxy import LoopbackProxy
from tests.support.self_signed import self_signed
from tests.support.workspace import Ran, Workspace

USER, SECRET = "robot", "s3cret-Pl4nted"
SIGNED = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
EVERYTHING = (
    "-o",
    "pylock.toml",
    "-o",
    "locked.txt",
    "-o",
    "install.sh",
    "-o",
    "install.ps1",
    "-o",
    "report.json",
    "-v",
    "-v",
)
TRANSPORTS = pytest.mark.parametrize("transport", ["curl", "requests"])
PINS = {"app": "2.0", "lib": "2.0"}


@pytest.fixture
def private() -> Iterator[LoopbackIndex]:
    """Serve two projects to whoever knows the secret."""
    projects = {"app": [wheel("app", "2.0", ["lib"])], "lib": [wheel("lib", "2.0", padding=300_000)]}
    with LoopbackIndex(projects, MODERN._replace(auth=(USER, SECRET), sidecars="none")) as served:
        yield served


def signed(url: str) -> str:
    """Return a URL with credentials in it."""
    return url.replace("://", f"://{USER}:{SECRET}@")


def lock(workspace: Workspace, *flags: str, environment: dict[str, str] | None = None) -> Ran:
    """Lock into every format there is."""
    workspace.write("r.txt", "app\n")
    return workspace.run("lock", "r.txt", *EVERYTHING, *flags, environment=environment)


def check_no_secret(workspace: Workspace, ran: Ran, *allowed: Path) -> None:
    """Search every file below the workspace, every value of the mirror, and all output, for the secret in any of its spellings."""
    spellings = [SECRET.encode(), SIGNED.encode(), SECRET.replace("-", "%2D").encode()]
    for spelling in spellings:
        assert spelling.decode() not in ran.out + ran.err
        for path in sorted(workspace.folder.parent.rglob("*")):
            if path.is_file() and path not in allowed:
                assert spelling not in path.read_bytes(), path
    if workspace.mirror.is_dir():
        store = DiskStore(str(workspace.mirror))
        try:
            for key, _ in store.scan():
                assert not any(spelling in store.get_many((key,))[key] for spelling in spellings), key
        finally:
            store.close()


def check_locked(workspace: Workspace, ran: Ran, *allowed: Path) -> None:
    """Assert that it worked and left no trace."""
    assert ran.code == 0, ran.err
    assert workspace.pins() == PINS
    check_no_secret(workspace, ran, *allowed)


@TRANSPORTS
def test_credentials_in_the_url(workspace: Workspace, private: LoopbackIndex, transport: str) -> None:
    """A flag's URL signs in for pages and files; later runs offline need no secret."""
    check_locked(workspace, lock(workspace, "--index-url", signed(private.url), "--transport", transport))
    check_locked(workspace, lock(workspace, "--index-url", private.url, "--transport", transport, "--offline"))


@pytest.mark.parametrize("variable", ["PIPX_PARALLEL_INDEX_URL", "PIP_INDEX_URL"])
def test_credentials_in_the_environment(workspace: Workspace, private: LoopbackIndex, variable: str) -> None:
    """Ours and pip's variables."""
    del workspace.environment["PIPX_PARALLEL_INDEX_URL"]
    check_locked(workspace, lock(workspace, environment={variable: signed(private.url)}))


def test_credentials_in_a_variable_of_the_host(workspace: Workspace, private: LoopbackIndex) -> None:
    """For CI: no URL needs to be rewritten."""
    environment = {"PIPX_PARALLEL_CREDENTIALS_127_0_0_1": f"{USER}:{SECRET}"}
    check_locked(workspace, lock(workspace, "--index-url", private.url, environment=environment))


def test_credentials_in_a_requirements_file(workspace: Workspace, private: LoopbackIndex) -> None:
    """``${VAR}`` in an --index-url line is the way that writes no secret down."""
    url = private.url.replace("://", f"://{USER}:${{TOKEN}}@")
    workspace.write("r.txt", f"--index-url {url}\napp\n")
    del workspace.environment["PIPX_PARALLEL_INDEX_URL"]
    check_locked(workspace, workspace.run("lock", "r.txt", *EVERYTHING, environment={"TOKEN": SECRET}))


@TRANSPORTS
def test_netrc(workspace: Workspace, private: LoopbackIndex, tmp_path: Path, transport: str) -> None:
    """The file that curl, git and pip read, or the one that NETRC names."""
    netrc = tmp_path / "secrets" / "netrc"
    netrc.parent.mkdir()
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {SECRET}\n", encoding="utf-8")
    netrc.chmod(0o600)
    flags = ("--index-url", private.url, "--transport", transport)
    check_locked(workspace, lock(workspace, *flags, environment={"NETRC": str(netrc)}), netrc)


@pytest.mark.parametrize("user", ["", f"{USER}@"], ids=["no user", "user in the URL"])
def test_a_keyring_program_is_asked_after_a_401(
    workspace: Workspace, private: LoopbackIndex, tmp_path: Path, user: str
) -> None:
    """Once for a host, whatever the number of requests; with ``disabled`` never."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    asked = tmp_path / "asked"
    script = bin_ / "keyring"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {asked}\ncase "$1" in\n  --mode) echo \'{{"username": "{USER}", "password": "{SECRET}"}}\' ;;\n'
        f'  get) [ "$3" = {USER} ] && echo "{SECRET}" ;;\nesac\n',
        encoding="utf-8",
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    path = {"PATH": f"{bin_}:{workspace.environment['PATH']}"}
    url = private.url.replace("://", f"://{user}")

    refused = lock(workspace, "--index-url", url, "--keyring-provider", "disabled", environment=path)
    assert refused.code == 5, refused.err
    assert "401" in refused.err
    assert not asked.exists()

    check_locked(
        workspace, lock(workspace, "--index-url", url, "--keyring-provider", "subprocess", environment=path), script
    )
    assert len(asked.read_text(encoding="utf-8").splitlines()) == 1


def test_an_installed_keyring_is_asked_after_a_401(
    workspace: Workspace, private: LoopbackIndex, tmp_path: Path
) -> None:
    """``auto`` tries the package first."""
    module = tmp_path / "site" / "keyring.py"
    module.parent.mkdir()
    module.write_text(
        f"class Credential:\n    username = {USER!r}\n    password = {SECRET!r}\n\n\n"
        "def get_credential(service, user):\n    return Credential()\n",
        encoding="utf-8",
    )
    path = {"PYTHONPATH": str(module.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    check_locked(workspace, lock(workspace, "--index-url", private.url, environment=path), module)


@TRANSPORTS
def test_a_wrong_password_is_said_without_it(workspace: Workspace, private: LoopbackIndex, transport: str) -> None:
    """The error names the status, never what was tried."""
    private.flavour = private.flavour._replace(auth=(USER, "another"))
    ran = lock(workspace, "--index-url", signed(private.url), "--transport", transport)

    assert ran.code == 5, ran.err
    assert "401" in ran.err
    check_no_secret(workspace, ran)


@TRANSPORTS
def test_a_host_gets_only_its_own_secret(
    workspace: Workspace, private: LoopbackIndex, index: LoopbackIndex, transport: str
) -> None:
    """What was written for one place is not told to another (another port is another place)."""
    ran = lock(workspace, "--index-url", index.url, "--extra-index-url", signed(private.url), "--transport", transport)

    assert ran.code == 0, ran.err
    assert index.requests_seen
    assert [seen for seen in index.requests_seen if "authorization" in seen.headers] == []


def test_a_private_find_links_page(workspace: Workspace, private: LoopbackIndex) -> None:
    """Credentials of find-links leave their URL, too."""
    lib = wheel("lib", "7.0")
    page = f'<a href="../../files/lib/{lib.filename}#sha256={lib.sha256}">lib</a>'
    private.publish("app", wheel("app", "7.0", ["lib"]))
    with LoopbackIndex(
        {"links": Page(page.encode(), HTML_TYPE), "lib": [lib]}, HTML_ONLY._replace(auth=(USER, SECRET))
    ) as site:
        ran = lock(workspace, "--index-url", signed(private.url), "-f", signed(f"{site.root}/simple/links/"))
        assert ran.code == 0, ran.err
        assert workspace.pins() == {"app": "7.0", "lib": "7.0"}
        check_no_secret(workspace, ran)


def test_a_build_fetches_what_it_needs_with_the_same_secret(workspace: Workspace, private: LoopbackIndex) -> None:
    """And neither its environment nor its log keeps any."""
    private.publish("dyn", sdist("dyn", "1.0", ["lib"], static=False, build_requires=["lib", "not-there"]))
    workspace.write("r.txt", "dyn\n")
    ran = workspace.run("lock", "r.txt", *EVERYTHING, "--index-url", signed(private.url))

    assert ran.code == 1, ran.err
    assert "not-there" in ran.err
    assert list((workspace.folder.parent / "cache").rglob("*.log"))
    check_no_secret(workspace, ran)


def test_a_direct_reference_with_a_secret(workspace: Workspace, private: LoopbackIndex) -> None:
    """The lock names the place, not who asked; the secret of the line goes to its host alone."""
    workspace.write("r.txt", f"app @ {signed(private.root)}/files/app/app-2.0-py3-none-any.whl\n")
    ran = workspace.run("lock", "r.txt", *EVERYTHING, "--index-url", signed(private.url))
    assert ran.code == 0, ran.err
    check_no_secret(workspace, ran, workspace.folder / "r.txt")

    with LoopbackIndex({"lib": [wheel("lib", "2.0")]}) as public:
        ran = workspace.run(
            "lock", "r.txt", *EVERYTHING, "--index-url", public.url, "--mirror", str(workspace.mirror) + "2"
        )
    assert ran.code == 0, ran.err
    check_no_secret(workspace, ran, workspace.folder / "r.txt")


@TRANSPORTS
def test_a_proxy_with_a_password(workspace: Workspace, index: LoopbackIndex, transport: str) -> None:
    """Everything goes through it; its secret stays with it, also where it refuses."""
    with LoopbackProxy(USER, SECRET) as proxy:
        ran = lock(workspace, "--proxy", proxy.url, "--transport", transport)
        assert ran.code == 0, ran.err
        assert len(proxy.seen) >= len(index.requests_seen) > 0
        check_no_secret(workspace, ran)
    with LoopbackProxy(USER, "another") as strict:
        url = strict.url.replace("another", SECRET)
        ran = lock(workspace, "--proxy", url, "--transport", transport, "--refresh", "--retries", "0")
        check_no_secret(workspace, ran)


@TRANSPORTS
def test_an_authority_of_the_system(workspace: Workspace, tmp_path: Path, transport: str) -> None:
    """``SSL_CERT_DIR`` is used beside certifi's bundle, as by pip."""
    context, certificate = self_signed(tmp_path)
    folder = tmp_path / "authorities"
    folder.mkdir()
    subject = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", certificate], capture_output=True, text=True, check=True
    )
    (folder / f"{subject.stdout.strip()}.0").write_bytes(certificate.read_bytes())
    with LoopbackIndex({"app": [wheel("app", "2.0")]}, tls=context) as served:
        flags = ("--index-url", served.url, "--transport", transport, "--retries", "0")
        assert lock(workspace, *flags).code == 5

        unset = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), "")
        ran = lock(workspace, *flags, environment={**unset, "SSL_CERT_DIR": str(folder)})

    assert ran.code == 0, ran.err


@TRANSPORTS
def test_a_private_authority(workspace: Workspace, tmp_path: Path, transport: str) -> None:
    """--cert trusts it, --trusted-host does without, and neither is an error that says so."""
    context, certificate = self_signed(tmp_path)
    projects = {"app": [wheel("app", "2.0", ["lib"])], "lib": [wheel("lib", "2.0")]}
    with LoopbackIndex(projects, MODERN._replace(auth=(USER, SECRET)), tls=context) as served:
        url = signed(served.url)
        refused = lock(workspace, "--index-url", url, "--transport", transport, "--retries", "0")
        assert refused.code == 5, refused.err
        assert "certificate" in refused.err.lower()
        check_no_secret(workspace, refused)
        check_locked(
            workspace, lock(workspace, "--index-url", url, "--transport", transport, "--cert", str(certificate))
        )
        check_locked(
            workspace,
            lock(workspace, "--index-url", url, "--transport", transport, "--refresh", "--trusted-host", "127.0.0.1"),
        )


@TRANSPORTS
def test_a_client_certificate(workspace: Workspace, tmp_path: Path, transport: str) -> None:
    """The index learns who asks from the certificate; without it the connection is refused."""
    import ssl

    context, certificate = self_signed(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    both = tmp_path / "client.pem"
    both.write_bytes(certificate.read_bytes() + (tmp_path / "key.pem").read_bytes())
    with LoopbackIndex({"app": [wheel("app", "2.0", ["lib"])], "lib": [wheel("lib", "2.0")]}, tls=context) as served:
        flags = ("--index-url", served.url, "--transport", transport, "--cert", str(certificate), "--retries", "0")
        assert lock(workspace, *flags).code == 5
        check_locked(workspace, lock(workspace, *flags, "--client-cert", str(both)))
