"""What pip is configured for: its files, its environment, and its built-in index, without importing pip's machinery (0.3 s).

The core is pure: it takes the environment, the platform and a ``Reader``. ``load_pip_settings`` is the edge that gathers them.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from pipx_parallel.config.layers import several
from pipx_parallel.config.options import OPPOSITES, OPTIONS
from pipx_parallel.config.pip_files import Host, config_files
from pipx_parallel.errors import UsageError
from pipx_parallel.requirements.option_lines import choose_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipx_parallel.config.layers import Raw
    from pipx_parallel.config.option import Option
    from pipx_parallel.requirements.reader import Reader

# pip takes a command's section over [global]. What is locked is installed, so both commands' sections count, lock's last.
SECTIONS = ("global", "install", "lock")

_ALIASES = {
    "pypi-url": "index-url",
    "default-timeout": "timeout",
    "constraints": "constraint",
    "no-dependencies": "no-deps",
}
_TRUE, _FALSE = ("y", "yes", "t", "true", "on", "1"), ("n", "no", "f", "false", "off", "0")
_OPTIONS = {option.key: option for option in OPTIONS.values() if option.pip}


class PipSettings(NamedTuple):
    """What pip is configured for: checked values by option name with underscores, and the file or variable of each."""

    values: Mapping[str, Raw] = {}
    origins: Mapping[str, str] = {}

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the values of an option that may be given several times."""
        return several(self.values.get(name))


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
    if there is no pip.
    """
    try:
        return _from_module()
    except (ImportError, AttributeError):
        url = parse_default_index(_install_help())
    if url is None:
        raise UsageError("pip does not say which index it uses by default", "give --index-url")
    return url


def parse_default_index(help_text: str) -> str | None:
    """Return the default that ``pip install --help`` states for ``--index-url``, or None."""
    _, _, text = help_text.partition("--index-url")
    match = re.search(r"\(default\s+(\S+?)\)", text)
    return match[1] if match else None


def _from_module() -> str:
    from importlib import import_module  # only if no index is configured

    return str(import_module("pip._internal.models.index").PyPI.simple_url)


def _install_help() -> str:
    import subprocess  # only if pip's module has moved

    # Without the user's settings, so that the default is the built-in one; wide, so that the URL is not broken.
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    environ |= {"PIP_CONFIG_FILE": os.devnull, "COLUMNS": "1000"}
    command = [sys.executable, "-m", "pip", "install", "--help"]
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - our own interpreter
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            "no index is configured and there is no pip to ask for its default", "give --index-url"
        ) from error
    return done.stdout


def _normalize(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _read_file(path: str, reader: Reader) -> Iterable[tuple[str, str, str]]:
    """Return (section, key, value) of a file in order; nothing if there is no file."""
    if reader.kind(path) != "file":
        return []
    import configparser  # 2 ms, only if pip has a configuration file

    try:
        text = _decode(reader.read(path), path)
        parser = configparser.RawConfigParser()
        parser.optionxform = _normalize  # type: ignore[assignment,method-assign]  # as configparser documents
        parser.read_string(text, path)
    except configparser.Error as error:
        reason = str(error).replace("\n", " ")
        raise UsageError(f"pip's configuration file {path} cannot be read: {reason}", "correct the file") from None
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
                f"pip's configuration file {path} is not UTF-8 (byte {error.start + 1})", "save it as UTF-8"
            ) from None


def _convert(stages: Sequence[Mapping[str, _Value]]) -> PipSettings:
    """Merge the sections and the environment; a later one wins."""
    values: dict[str, Raw] = {}
    origins: dict[str, str] = {}
    chosen: dict[str, set[str]] = {dest: set() for dest in OPPOSITES}
    for stage in stages:
        for key, value in stage.items():
            option = _OPTIONS.get(key)
            if option is None:
                continue
            if option.dest in OPPOSITES:
                choose_names(value.text.split(","), chosen[option.dest], chosen[OPPOSITES[option.dest]])
            values[option.dest] = _checked(option, value)
            origins[option.dest] = value.origin
    values |= {dest: tuple(sorted(names)) for dest, names in chosen.items() if dest in values}
    return PipSettings(values, origins)


def _checked(option: Option, value: _Value) -> Raw:
    """Return a value in the form of its kind. Raises ``UsageError`` for one that pip would refuse."""
    if option.kind == "flag":
        if value.text.lower() not in (*_TRUE, *_FALSE):
            raise _refused(option.key, value, "yes or no")
        return value.text.lower() in _TRUE
    if option.multiple:
        return tuple(value.text.split())
    number = {"seconds": float, "retries": int}.get(option.value)
    try:
        return f"{number(value.text):g}" if number else value.text
    except ValueError:
        raise _refused(option.key, value, "a number") from None


def _refused(key: str, value: _Value, wanted: str) -> UsageError:
    return UsageError(f"{value.origin}: {key} = {value.text!r} cannot be used", f"give {wanted}")
