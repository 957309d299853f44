"""What pip is configured for: its files, its environment, and its built-in index, without importing pip's machinery (0.3 s).

The core is pure: it takes the environment, the platform and a ``Reader``. ``load_pip_settings`` is the edge that gathers them.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from pipx_parallel.config.pip_files import Host, config_files
from pipx_parallel.errors import UsageError
from pipx_parallel.requirements.options import choose_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipx_parallel.requirements.reader import Reader

# pip takes a command's section over [global]. What is locked is installed, so both commands' sections count, lock's last.
SECTIONS = ("global", "install", "lock")

_ALIASES = {
    "pypi-url": "index-url",
    "default-timeout": "timeout",
    "constraint": "constraints",
    "no-dependencies": "no-deps",
}
_LISTS = ("extra-index-url", "find-links", "trusted-host", "use-feature", "constraints")
_NAMES = {  # each with the one it excludes
    "only-binary": "no-binary",
    "no-binary": "only-binary",
    "all-releases": "only-final",
    "only-final": "all-releases",
}
_SWITCHES = ("no-index", "pre", "prefer-binary", "require-hashes", "no-require-hashes", "no-deps", "no-build-isolation")
_TEXTS = ("index-url", "cert", "client-cert", "proxy", "keyring-provider", "uploaded-prior-to")
_TRUE, _FALSE = ("y", "yes", "t", "true", "on", "1"), ("n", "no", "f", "false", "off", "0")


class PipSettings(NamedTuple):
    """What pip would do by default. ``origins`` says of each field that is set where: a file's path or a variable's name."""

    index_url: str | None = None  # None: pip's built-in one, see default_index_url
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_host: tuple[str, ...] = ()
    cert: str | None = None  # path of a CA bundle
    client_cert: str | None = None  # path
    proxy: str | None = None
    timeout: float | None = None  # seconds
    retries: int | None = None
    pre: bool = False
    prefer_binary: bool = False
    only_binary: tuple[str, ...] = ()  # normalised names, or ":all:"; sorted
    no_binary: tuple[str, ...] = ()
    all_releases: tuple[str, ...] = ()
    only_final: tuple[str, ...] = ()
    require_hashes: bool = False
    no_require_hashes: bool = False
    no_deps: bool = False
    no_build_isolation: bool = False
    keyring_provider: str | None = None
    uploaded_prior_to: str | None = None
    use_feature: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()  # paths or URLs
    origins: Mapping[str, str] = {}


def layer_values(settings: PipSettings) -> dict[str, str | bool | int | tuple[str, ...]]:
    """Return the configured fields by name, for ``config.layers``; numbers as text, to be checked there."""
    shown: dict[str, str | bool | int | tuple[str, ...]] = {}
    for field in settings.origins:
        value = getattr(settings, field)
        shown[field] = f"{value:g}" if isinstance(value, float) else value
    return shown


class _Value(NamedTuple):
    text: str
    origin: str


def load_pip_settings(environ: Mapping[str, str], reader: Reader) -> PipSettings:
    """Return what pip is configured for on this machine. Raises ``UsageError`` for a file or value pip would refuse."""
    host = Host(sys.platform, os.path.expanduser("~"), sys.prefix)  # pathlib costs 3 ms to import
    return read_pip_settings(environ, host, reader)


def read_pip_settings(environ: Mapping[str, str], host: Host, reader: Reader) -> PipSettings:
    """Return what pip would be configured for with this environment on this host.

    Files override one another in the order of ``config_files``; [install] and [lock] override [global] whatever file they are in;
    ``PIP_…`` variables override all files. Only lists of project names (``only-binary`` and its like) add up. An empty value takes
    back what an earlier file has in the same section. Raises ``UsageError``.
    """
    sections: dict[str, dict[str, _Value]] = {name: {} for name in SECTIONS}
    for path in config_files(environ, host, reader):
        for section, key, text in _read_file(path, reader):
            if section in sections:
                sections[section][key] = _Value(text, path)
    variables = {
        _normalize(name[4:]): _Value(text, name)
        for name, text in environ.items()
        if name.startswith("PIP_") and name not in ("PIP_VERSION", "PIP_HELP")
    }
    # Empty values are dropped section by section, as in pip: one in [install] does not take back one of [global].
    stages = [
        {_ALIASES.get(key, key): value for key, value in values.items() if value.text}
        for values in (*sections.values(), variables)
    ]
    return _convert(stages)


def default_index_url() -> str:
    """Return pip's built-in index, the one place that this tool takes it from.

    Asks the installed pip (20 ms to import that one module), else the text of ``pip install --help``. Raises ``UsageError``
    where there is no pip.
    """
    try:
        return _from_module()
    except (ImportError, AttributeError):
        found = parse_default_index(_install_help())
    if found is None:
        raise UsageError("pip does not say which index it uses by default; give --index-url")
    return found


def parse_default_index(help_text: str) -> str | None:
    """Return the default that ``pip install --help`` states for ``--index-url``, or None."""
    _, _, text = help_text.partition("--index-url")
    match = re.search(r"\(default\s+(\S+?)\)", text)
    return match[1] if match else None


def _from_module() -> str:
    from importlib import import_module  # only where no index is configured

    return str(import_module("pip._internal.models.index").PyPI.simple_url)


def _install_help() -> str:
    import subprocess  # only where pip's module has moved

    # Without the user's settings, so that the default is the built-in one; wide, so that the URL is not broken.
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    environ |= {"PIP_CONFIG_FILE": os.devnull, "COLUMNS": "1000"}
    command = [sys.executable, "-m", "pip", "install", "--help"]
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - our own interpreter
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            "no index is configured and there is no pip to ask for its default; give --index-url"
        ) from error
    return done.stdout


def _normalize(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _read_file(path: str, reader: Reader) -> Iterable[tuple[str, str, str]]:
    """Return (section, key, value) of a file in order; nothing where there is no file."""
    if reader.kind(path) != "file":
        return []
    import configparser  # 2 ms, only where pip has a configuration file

    try:
        text = _decode(reader.read(path), path)
        parser = configparser.RawConfigParser()
        parser.optionxform = _normalize  # type: ignore[assignment,method-assign]  # as configparser documents
        parser.read_string(text, path)
    except configparser.Error as error:
        reason = str(error).replace("\n", " ")
        raise UsageError(f"pip's configuration file {path} cannot be read: {reason}; correct it") from None
    except OSError as error:
        raise UsageError(f"pip's configuration file {path} cannot be read: {error.strerror}") from error
    return [(section, key, value) for section in parser.sections() for key, value in parser.items(section)]


def _decode(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        import locale  # pip reads these files in the locale's encoding

        try:
            return data.decode(locale.getpreferredencoding(do_setlocale=False))
        except UnicodeDecodeError as error:
            raise UsageError(
                f"pip's configuration file {path} is not UTF-8 (byte {error.start + 1}); save it so"
            ) from None


def _convert(stages: Sequence[Mapping[str, _Value]]) -> PipSettings:
    """Merge the sections and the environment, the last one strongest."""
    fields: dict[str, Any] = {}
    origins: dict[str, str] = {}
    chosen: dict[str, set[str]] = {name: set() for name in _NAMES}
    for stage in stages:
        for key, value in stage.items():
            if key in _NAMES:
                choose_names(value.text.split(","), chosen[key], chosen[_NAMES[key]])
            converted = value.text if key in _NAMES else _convert_one(key, value)
            if converted is not None:
                fields[key.replace("-", "_")] = converted
                origins[key.replace("-", "_")] = value.origin
    fields |= {key.replace("-", "_"): tuple(sorted(names)) for key, names in chosen.items()}
    return PipSettings(**fields, origins=origins)


def _convert_one(key: str, value: _Value) -> object:
    """Return the value in the type of its field, or None for a key that is not ours."""
    if key in _TEXTS:
        return value.text
    if key in _LISTS:
        return tuple(value.text.split())
    if key in _SWITCHES:
        if value.text.lower() not in (*_TRUE, *_FALSE):
            raise _refused(key, value, "yes or no")
        return value.text.lower() in _TRUE
    if key not in ("timeout", "retries"):
        return None
    try:
        return float(value.text) if key == "timeout" else int(value.text)
    except ValueError:
        raise _refused(key, value, "a number") from None


def _refused(key: str, value: _Value, wanted: str) -> UsageError:
    return UsageError(f"{value.origin}: {key} = {value.text!r} cannot be used; give {wanted}")
