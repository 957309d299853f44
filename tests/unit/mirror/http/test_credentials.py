"""Credentials: where they are found, in which order, and how often anybody is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mirror.http.credentials import Credentials
from mirror.urls import split_url

URL = "https://index.example/simple/app/"


@pytest.mark.parametrize(
    ("url", "plain", "pair"),
    [
        ("https://u:p@h.example/s", "https://h.example/s", ("u", "p")),
        ("https://u%40x:p%3Aq@h.example:8080/s?a=b", "https://h.example:8080/s?a=b", ("u@x", "p:q")),
        ("https://token@h.example", "https://h.example", ("token", None)),
        ("https://u:@h.example/", "https://h.example/", ("u", "")),
        ("https://h.example/a@b/c", "https://h.example/a@b/c", None),
        ("https://h.example?x=a@b", "https://h.example?x=a@b", None),
        ("git+ssh://git@h.example/r@main", "git+ssh://git@h.example/r@main", None),
        ("./wheels@home", "./wheels@home", None),
    ],
)
def test_a_url_is_split(url: str, plain: str, pair: tuple[str, str | None] | None) -> None:
    """Only the authority holds credentials; of ssh a user is a login."""
    assert split_url(url) == (plain, pair)


def test_the_nearest_path_of_a_host_wins() -> None:
    """Two teams on one host have a password each (as in pip)."""
    credentials = Credentials(["https://a:1@h.example/one/simple", "https://b:2@h.example/two/simple"], environ={})

    assert credentials("https://h.example/two/simple/app/") == ("b", "2")
    assert credentials("https://h.example/one/files/x.whl") == ("a", "1")
    assert credentials("https://other.example/one/") is None
    assert credentials("http://h.example/one/") is None
    assert credentials("https://h.example:8443/one/") is None


def test_a_variable_of_the_host_comes_before_netrc(tmp_path: Path) -> None:
    """And a URL before both."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine index.example login n password nn\n", encoding="utf-8")
    netrc.chmod(0o600)
    environ = {"NETRC": str(netrc)}
    variable = {"PIPX_PARALLEL_CREDENTIALS_INDEX_EXAMPLE": "v:v:v"}

    assert Credentials(environ=environ)(URL) == ("n", "nn")
    assert Credentials(environ=environ | variable)(URL) == ("v", "v:v")
    assert Credentials(["https://u:p@index.example/"], environ=environ | variable)(URL) == ("u", "p")


@pytest.mark.parametrize("text", ["machine", "machine index.example login", "\x00"])
def test_a_broken_netrc_has_nothing(tmp_path: Path, text: str) -> None:
    """As in pip."""
    netrc = tmp_path / "netrc"
    netrc.write_text(text, encoding="utf-8")

    assert Credentials(environ={"NETRC": str(netrc)})(URL) is None


def test_netrc_is_asked_for_the_user_of_the_url(tmp_path: Path) -> None:
    """The password of another user is no help."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine index.example login n password nn\n", encoding="utf-8")
    netrc.chmod(0o600)

    assert Credentials(["https://n@index.example/"], environ={"NETRC": str(netrc)})(URL) == ("n", "nn")
    assert Credentials(["https://m@index.example/"], environ={"NETRC": str(netrc)})(URL) == ("m", "")


def keyring(answers: dict[str, str]) -> tuple[Callable[[list[str]], str | None], list[str]]:
    """Return a program that answers by its last words, and the list of what it was asked."""
    asked: list[str] = []

    def run(command: list[str]) -> str | None:
        asked.append(" ".join(command))
        return next((answer for words, answer in answers.items() if asked[-1].endswith(words)), None)

    return run, asked


def test_a_keyring_is_asked_once_for_a_host() -> None:
    """Not before a 401, and not again for every request that was refused."""
    run, asked = keyring({"get https://index.example u": "pw"})
    credentials = Credentials(["https://u@index.example/simple"], environ={}, keyring="subprocess", run=run)

    assert credentials(URL) == ("u", "")
    assert asked == []
    assert credentials.challenged(URL)
    assert credentials.challenged(URL)
    assert credentials(URL) == ("u", "pw")
    assert asked == ["keyring get https://index.example u"]


def test_a_keyring_without_a_user_gives_both() -> None:
    """By address first, then by host alone."""
    run, asked = keyring({"get index.example": '{"username": "x", "password": "y"}'})
    credentials = Credentials(environ={}, keyring="subprocess", run=run)

    assert credentials.challenged(URL)
    assert credentials(URL) == ("x", "y")
    assert len(asked) == 2


@pytest.mark.parametrize(("provider", "answer"), [("disabled", "pw"), ("subprocess", None), ("subprocess", "no json")])
def test_nothing_new_means_no_second_try(provider: str, answer: str | None) -> None:
    """A keyring that is switched off, is not there, or knows nothing."""
    run, asked = keyring({} if answer is None else {"index.example": answer})
    credentials = Credentials(environ={}, keyring=provider, run=run)

    assert not credentials.challenged(URL)
    assert not credentials.challenged(URL)
    assert len(asked) == (0 if provider == "disabled" else 2)


def test_every_secret_known_is_listed() -> None:
    """For whoever writes a log; a lone user of a URL is a token."""
    credentials = Credentials(
        ["https://u:long-secret@a.example", "https://token@b.example"],
        environ={"PIPX_PARALLEL_CREDENTIALS_C_EXAMPLE": "u:third", "OTHER": "u:no"},
    )

    assert credentials.secrets() == ("long-secret", "third", "token")


@pytest.mark.parametrize("home", ["HOME", "USERPROFILE"])
def test_netrc_may_be_named_below_the_home_folder(tmp_path: Path, home: str) -> None:
    """As in pip: a service file or an image sets NETRC without a shell that would expand it."""
    (tmp_path / "secrets").write_text("machine index.example login me password pw\n")

    assert Credentials(environ={"NETRC": "~/secrets", home: str(tmp_path)})(URL) == ("me", "pw")


@pytest.mark.parametrize("machine", ["::1", "[::1]"])
def test_an_ipv6_address_of_netrc_has_no_brackets_or_has(tmp_path: Path, machine: str) -> None:
    """Both are in use; another address has nothing."""
    (tmp_path / "netrc").write_text(f"machine {machine} login me password pw\n")
    credentials = Credentials(environ={"NETRC": str(tmp_path / "netrc")})

    assert credentials("http://[::1]:8080/simple/") == ("me", "pw")
    assert credentials("http://[::2]:8080/simple/") is None


@pytest.mark.parametrize(
    ("given", "asked", "same"),
    [
        ("https://me:pw@index.example:443/simple", "https://index.example/simple/app/", True),
        ("https://me:pw@index.example/simple", "https://index.example:443/simple/app/", True),
        ("http://me:pw@index.example:80/simple", "http://Index.Example/simple/app/", True),
        ("https://me:pw@index.example:80/simple", "https://index.example/simple/app/", False),
        ("http://me:pw@index.example:443/simple", "https://index.example/simple/app/", False),
        ("https://me:pw@index.example:8443/simple", "https://index.example:443/simple/app/", False),
    ],
)
def test_the_port_of_the_scheme_need_not_be_written(given: str, asked: str, same: bool) -> None:
    """Both spellings are one origin; another port or scheme is another."""
    assert (Credentials([given], environ={})(asked) == ("me", "pw")) is same
