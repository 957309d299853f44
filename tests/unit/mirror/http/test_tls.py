"""Where trust comes from."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from mirror.http.problems import Problem, problem_of
from mirror.http.tls import ca_bundle, tls_context
from mirror.ports import ProblemKind

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_certifi_s_bundle_is_the_default() -> None:
    """As for pip's HTTP library; found without loading certifi."""
    assert ca_bundle() == certifi.where()


@pytest.mark.parametrize("name", VARIABLES)
def test_the_environment_comes_first(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where it names something that is there."""
    bundle = tmp_path / "own.pem"
    monkeypatch.setenv(name, str(bundle))
    assert ca_bundle() == certifi.where()

    bundle.write_text("")
    assert ca_bundle() == str(bundle)


def test_certificates_are_checked_unless_told_otherwise() -> None:
    """False means: not at all."""
    checked, unchecked = tls_context(verify=True), tls_context(verify=False)

    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)
    assert checked.get_ca_certs()


def test_a_bundle_of_one_s_own_replaces_the_default(tmp_path: Path) -> None:
    """A file or a folder; what is not there is said."""
    assert tls_context(str(tmp_path)).get_ca_certs() == []
    assert tls_context(certifi.where()).get_ca_certs()
    with pytest.raises(OSError, match="No such file"):
        tls_context(str(tmp_path / "nothing.pem"))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TimeoutError(), "timed out"),
        (ConnectionResetError(), "index.example:8080 closed the connection"),
        (ConnectionRefusedError(111, "Connection refused"), "cannot talk to index.example:8080: Connection refused"),
        (RuntimeError("https://me:secret@x/"), "cannot talk to index.example:8080: RuntimeError"),
        (ssl.SSLError(), "the certificate or encryption of index.example:8080 was not accepted"),
    ],
)
def test_errors_are_reported_in_words_without_secrets(error: Exception, sentence: str) -> None:
    """However deep the cause lies."""
    wrapped = OSError("HTTPConnectionPool(...)", error)

    kind = ProblemKind.TLS if isinstance(error, ssl.SSLError) else ProblemKind.PASSING
    assert problem_of(error, "https://me:secret@index.example:8080/x") == Problem(sentence, kind)
    assert problem_of(wrapped, "https://me:secret@index.example:8080/x") == Problem(sentence, kind)
