"""Make untrusted text safe for one line of an output: comments, URLs, words of a requirements file."""

from __future__ import annotations

import re

# Everything that any reader treats as a line end (``str.splitlines`` has more of them than a shell), all other control
# characters, and lone surrogates, which cannot be encoded. Most patterns here are strings and compiled on first use (0.3 ms
# each): most texts do not need them.
_CONTROL = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+"
_USERINFO = r"(?<=://)[^\s/?#]*@"  # to the last @: a password may contain one
_URL_UNSAFE = re.compile(r"""[^!#$%&()*+,\-./0-9:;=?@A-Z\[\]_a-z~]|\$(?=\{)""")
_VARIABLE = r"\$\{[A-Z0-9_]+\}"
_PLAIN_WORD = r"[A-Za-z0-9_@%+=:,./~-]+"


def one_line(text: str) -> str:
    """Return ``text`` without line ends, control characters and credentials in URLs."""
    plain = text if text.isprintable() else re.sub(_CONTROL, " ", text)
    return without_credentials(plain.strip())


def without_credentials(text: str) -> str:
    """Remove ``user:password@`` from every URL in ``text``; the user name of an ssh URL stays, it is part of the address."""
    if "@" not in text:
        return text
    return re.sub(_USERINFO, _keep_ssh_user, text)


def safe_url(url: str) -> str:
    """Return ``url`` without credentials; characters that end a word, a line or a quotation are percent-encoded.

    ``${`` is encoded too: pip expands ``${NAME}`` in a requirements file.
    """
    return _URL_UNSAFE.sub(_percent, without_credentials(url))


def safe_template(url: str) -> str:
    """Return a URL with variables (``https://${USER}:${TOKEN}@host``) as ``safe_url`` does, but with the variables as written.

    A password that is no variable is removed with its user.
    """
    secret = rf"(?:(?:[\w.~-]*|{_VARIABLE}):)?{_VARIABLE}:?"
    match = re.match(rf"[A-Za-z][A-Za-z0-9+.-]*://{secret}@", url)
    start = match[0] if match else ""
    rest = url[len(start) :] if match else without_credentials(url)
    return start + "".join(
        piece if re.fullmatch(_VARIABLE, piece) else safe_url(piece) for piece in re.split(f"({_VARIABLE})", rest)
    )


def quoted_word(text: str) -> str:
    """Return ``text`` as one word of an option line in a requirements file (pip splits it as a POSIX shell does)."""
    if re.fullmatch(_PLAIN_WORD, text):
        return text
    return '"' + re.sub(_CONTROL, " ", text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _keep_ssh_user(match: re.Match[str]) -> str:
    scheme = match.string[: match.start() - 3]
    if not scheme.endswith("ssh"):
        return ""
    return match[0][:-1].partition(":")[0] + "@"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))
