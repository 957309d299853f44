"""CA bundles and TLS contexts, the same for every transport."""

from __future__ import annotations

import importlib.util
import os
import threading
from typing import TYPE_CHECKING

from mirror.http.problems import TransferFailed, unreadable_certificate

if TYPE_CHECKING:
    import ssl
    from urllib.parse import SplitResult

    from mirror.http.transport_settings import TransportSettings

_SYSTEM_FOLDER = "/etc/ssl/certs"
_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")  # in the order pip's HTTP library looks


def ca_bundle() -> str | None:
    """Return the CA bundle that pip uses: the environment's, else certifi's, else None for the system's."""
    for variable in _VARIABLES:
        path = os.environ.get(variable)
        if path and os.path.exists(path):  # pathlib costs 9 ms to load
            return path
    spec = importlib.util.find_spec("certifi")  # located, not imported: its import costs 15 ms
    if spec is None or not spec.origin:
        return None
    path = os.path.join(os.path.dirname(spec.origin), "cacert.pem")  # as above
    return path if os.path.exists(path) else None  # as above


def ca_folder() -> str | None:
    """Return the folder of the system's CA certificates, which pip trusts too; None if the environment names a bundle.

    ``SSL_CERT_DIR`` comes before the folder of most Linux distributions.
    """
    if any(os.environ.get(variable) for variable in _VARIABLES):
        return None
    folders = (*os.environ.get("SSL_CERT_DIR", "").split(os.pathsep), _SYSTEM_FOLDER)
    return next((folder for folder in folders if folder and os.path.isdir(folder)), None)  # as above


def tls_context(verify: str | bool, client_cert: str | None = None) -> ssl.SSLContext:  # noqa: FBT001 - pip's meaning
    """Return a new TLS context; ``verify`` is the path of a CA bundle, or whether certificates are checked.

    Takes 20 ms with certifi's bundle, so share it. Raises ``OSError`` if a file cannot be read.
    """
    import ssl  # 12 ms, and libcurl has its own TLS

    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, **_trust(verify))
    if verify is True and ca_folder() is not None:
        context.load_default_certs()  # the system's beside certifi's, as pip
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert:
        context.load_cert_chain(client_cert)
    return context


class TlsContexts:
    """The TLS contexts of one transport, each made once: with certificate checks, and without them for trusted hosts."""

    def __init__(self, settings: TransportSettings) -> None:
        """Load nothing yet."""
        self._settings = settings
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def checks(self, url: SplitResult) -> bool:
        """Return whether the certificate of the host of an https URL is checked."""
        return self._settings.verify is not False and not self._settings.trusts(url)

    def context(self, *, checked: bool) -> ssl.SSLContext:
        """Return the context that checks certificates, or the one that does not. Raises ``TransferFailed``."""
        with self._lock:
            if checked not in self._contexts:
                try:
                    verify = self._settings.verify if checked else False
                    self._contexts[checked] = tls_context(verify, self._settings.client_cert)
                except OSError as error:
                    raise TransferFailed(unreadable_certificate(error)) from error
            return self._contexts[checked]


def _trust(verify: str | bool) -> dict[str, str]:  # noqa: FBT001 - as above
    """Return the keyword arguments of ``ssl`` that name the CA bundle; none for the system's."""
    bundle = verify if isinstance(verify, str) else ca_bundle() if verify else None
    if bundle is None:
        return {}
    return {"capath" if os.path.isdir(bundle) else "cafile": bundle}  # as above
