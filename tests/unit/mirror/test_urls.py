"""URLs without secrets."""

from __future__ import annotations

import json

import pytest

from mirror.urls import may_hold_secrets, page_address, public_files, shown, split_url

SECRET = "s3krit"  # noqa: S105 - a test's


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("/home/me/mirror", "/home/me/mirror"),
        ("https://index.example/m", "https://index.example/m"),
        (f"https://me:{SECRET}@index.example/m", "https://index.example/m"),
        (f"redis://:{SECRET}@host:6379/0", "redis://host:6379/0"),
        (f"redis://host:6379/0?password={SECRET}", "redis://host:6379/0"),
        (f"redis://host:6379/0?password=a@{SECRET}", "redis://…"),
        (f"redis://:a/{SECRET}@host", "redis://…"),
        (f"redis://:a#{SECRET}@host", "redis://…"),
        (f"redis://:a?{SECRET}@host", "redis://…"),
    ],
)
def test_an_address_is_shown_without_its_password(location: str, text: str) -> None:
    """However it is written."""
    assert shown(location) == text


def test_a_page_s_address_has_no_signature() -> None:
    """What relative links count from stays."""
    assert (
        page_address(f"https://me:{SECRET}@index.example/simple/a/?Signature={SECRET}#x")
        == "https://index.example/simple/a/"
    )


@pytest.mark.parametrize(
    ("url", "public"),
    [
        (f"https://me:{SECRET}@index.example/a.whl?x=1#sha256=00", "https://index.example/a.whl?x=1#sha256=00"),
        (f"//me:{SECRET}@index.example/a.whl", "//index.example/a.whl"),
        ("../a@b.whl", "../a@b.whl"),
        ("https://index.example/a@b.whl", "https://index.example/a@b.whl"),
    ],
)
def test_a_file_object_holds_no_credentials(url: str, public: str) -> None:
    """Only its addresses change, and only where they must."""
    entry = json.dumps({"filename": "a.whl", "url": url, "yanked": "ask me@index.example", "provenance": url}).encode()

    (cleaned,) = public_files([entry])

    assert json.loads(cleaned) == {**json.loads(entry), "url": public, "provenance": public}
    assert (cleaned == entry) == (url == public)


def test_an_escaped_sign_is_no_hiding_place() -> None:
    """JSON may write any character as a number."""
    entry = b'{"filename":"a.whl","url":"http:\\/\\/me:s3krit\\u0040index.example\\/a.whl"}'

    assert json.loads(public_files([entry])[0])["url"] == "http://index.example/a.whl"


@pytest.mark.parametrize("mark", ["?", "&", ";", "\\u0026", "\\u003F"])
def test_a_signature_is_found_after_other_parameters(mark: str) -> None:
    """Whichever mark it begins with, and a page that has only the marks holds none."""
    plain = f'{{"url":"https://index.example/a.whl?a=1{mark}b=2","yanked":"x; y & z?"}}'

    assert not may_hold_secrets(plain.encode())
    assert may_hold_secrets(plain.replace("b=2", f"b=2{mark}X-Signature=00").encode())


def test_credentials_are_split_off() -> None:
    """Unquoted, for who asks with them."""
    assert split_url("https://me:a%2Fb@index.example/s") == ("https://index.example/s", ("me", "a/b"))
