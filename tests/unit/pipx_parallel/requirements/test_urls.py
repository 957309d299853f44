"""URLs, paths, and the masking of secrets."""

from __future__ import annotations

import pytest

from mirror.names import is_archive
from mirror.urls import url_of
from pipx_parallel.requirements.urls import (
    RequirementUrl,
    join_location,
    local_path,
    mask_secrets,
    parse_reference,
    scheme_of,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@index.example/simple", "https://user:****@index.example/simple"),
        ("https://user:p@ss@index.example/simple", "https://user:****@index.example/simple"),
        ("https://:pass@index.example/", "https://:****@index.example/"),
        ("https://token@index.example/simple", "https://****@index.example/simple"),
        ("git+ssh://git@code.example/x.git@main", "git+ssh://git@code.example/x.git@main"),
        ("git+ssh://git:pw@code.example/x.git", "git+ssh://git:****@code.example/x.git"),
        ("git+https://code.example/x.git@main", "git+https://code.example/x.git@main"),
        ("https://index.example/x?token=abc&v=1", "https://index.example/x?token=****&v=1"),
        ("https://index.example/x?v=1&X-Signature=abc#egg=x", "https://index.example/x?v=1&X-Signature=****#egg=x"),
        (
            "a @ https://u:p@h.example/a.zip ; x, b @ https://u:q@h.example/b.zip",
            "a @ https://u:****@h.example/a.zip ; x, b @ https://u:****@h.example/b.zip",
        ),
        ("redis://:secret@cache.example:6379/0", "redis://:****@cache.example:6379/0"),
        ("flask>=2", "flask>=2"),
        ("https://token:@index.example/", "https://****@index.example/"),  # no password: the name is the secret
    ],
)
def test_secrets_in_urls_are_masked(text: str, shown: str) -> None:
    """Passwords, tokens given as a user name, and secret query values are removed; ssh user names stay."""
    assert mask_secrets(text) == shown


def test_masking_twice_changes_nothing() -> None:
    """What was masked once may pass through again."""
    once = mask_secrets("https://user:pass@index.example/?token=a")

    assert mask_secrets(once) == once


def test_a_reference_is_split_into_its_parts() -> None:
    """Fragment, scheme and file name are read as pip reads them."""
    url = "git+https://code.example/mono%20repo.git@v1#egg=a&subdirectory=src/a&sha256=AB"

    assert parse_reference(url) == RequirementUrl(url, "git+https", "a", "src/a", ("sha256:ab",), "mono repo.git@v1")


def test_the_first_of_two_equal_fragment_keys_counts() -> None:
    """As in pip."""
    assert parse_reference("https://h.example/a.zip#egg=a&egg=b").egg == "a"


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("HTTPS://x", "https"),
        ("git+ssh://x", "git+ssh"),
        ("C:\\x.whl", ""),
        ("flask", ""),
        ("foo://x", ""),
        ("file:x", "file"),
    ],
)
def test_only_schemes_that_pip_knows_make_a_url(text: str, scheme: str) -> None:
    """A drive letter is no scheme."""
    assert scheme_of(text) == scheme


@pytest.mark.parametrize("name", ["a.zip", "a.WHL", "a.tar.gz", "a.tgz", "a.tar.xz", "a.tar"])
def test_archives_are_known_by_their_ending(name: str) -> None:
    """The endings are pip's."""
    assert is_archive(name)


def test_an_absolute_path_and_its_url_are_one_thing() -> None:
    """Blanks and other signs are quoted (RFC 8089)."""
    url = url_of("/srv/my src/a#b")

    assert url == "file:///srv/my%20src/a%23b"
    assert local_path(url) == "/srv/my src/a#b"


def test_localhost_is_no_other_host() -> None:
    """RFC 8089 lets it stand for the empty host."""
    assert local_path("file://localhost/srv/x#egg=a") == "/srv/x"
    with pytest.raises(ValueError, match="another host"):
        local_path("file://elsewhere/srv/x")


@pytest.mark.parametrize(
    ("parent", "child", "location"),
    [
        ("requirements.txt", "base.txt", "base.txt"),
        ("sub/requirements.txt", "../base.txt", "base.txt"),
        ("sub/requirements.txt", "/abs/base.txt", "/abs/base.txt"),
        ("-", "sub/base.txt", "sub/base.txt"),
        ("https://h.example/a/req.txt", "base.txt", "https://h.example/a/base.txt"),
        ("requirements.txt", "https://h.example/base.txt", "https://h.example/base.txt"),
    ],
)
def test_a_location_counts_from_the_file_that_names_it(parent: str, child: str, location: str) -> None:
    """Paths and URLs alike."""
    assert join_location(parent, child) == location
