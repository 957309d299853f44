"""A 401 is answered with the credentials of the host that sent it, once."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue

from mirror.http.credentials import Credentials
from mirror.http.routing import RoutedTransport
from mirror.ports import Exchange, Request
from mirror.urls import PublicUrl

URL = "https://index.example/simple/app/"
ELSEWHERE = "https://files.example/simple/app/"


class Answering:
    """A transport of which each request ends at an address with a status: at its own with the last one."""

    name = "answering"

    def __init__(self, *answers: tuple[str, int]) -> None:
        """Take the answers in order."""
        self.answers = list(answers)
        self.asked: list[str] = []

    def submit(self, request: Request, done: object) -> None:
        """Answer at once."""
        self.asked.append(request.url)
        url, status = self.answers.pop(0)
        assert callable(done)
        done(Exchange(request, status, {}, b"", PublicUrl(url)))

    def close(self) -> None:
        """Do nothing."""


def _ask(transport: Answering, credentials: Credentials) -> Exchange:
    """Return what a request for ``URL`` ends with."""
    ended: SimpleQueue[Exchange] = SimpleQueue()
    RoutedTransport(lambda: transport, credentials).submit(Request(URL), ended.put)
    return ended.get(timeout=10)


def _netrc(folder: Path, machine: str) -> Credentials:
    (folder / "netrc").write_text(f"machine {machine} login me password pw\n")
    return Credentials(environ={"NETRC": str(folder / "netrc")}, keyring="disabled")


def test_the_host_of_a_redirect_gets_its_own_credentials(tmp_path: Path) -> None:
    """Its entry of netrc, as with pip; whoever waits gets the answer to its own request."""
    transport = Answering((ELSEWHERE, 401), (ELSEWHERE, 200))

    exchange = _ask(transport, _netrc(tmp_path, "files.example"))

    assert transport.asked == [URL, ELSEWHERE]
    assert (exchange.status, exchange.request.url, exchange.rejected) == (200, URL, False)


def test_another_host_gets_none_of_these(tmp_path: Path) -> None:
    """Credentials of the first host are not tried at the second."""
    transport = Answering((ELSEWHERE, 401))

    exchange = _ask(transport, _netrc(tmp_path, "index.example"))

    assert (transport.asked, exchange.status, exchange.rejected) == ([URL], 401, False)
    assert "wants credentials" in exchange.trouble


def test_a_wrong_password_is_called_that(tmp_path: Path) -> None:
    """At the host that was asked, and at that of a redirect; the message has neither user nor password."""
    same = _ask(Answering((URL, 401)), _netrc(tmp_path, "index.example"))
    other = _ask(Answering((ELSEWHERE, 401), (ELSEWHERE, 401)), _netrc(tmp_path, "files.example"))

    for exchange in (same, other):
        assert exchange.rejected
        assert "does not accept the credentials" in exchange.trouble
        assert "pw" not in exchange.trouble
