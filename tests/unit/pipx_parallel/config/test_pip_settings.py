"""What pip is configured for, by texts alone, and compared with real pip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipx_parallel.config.pip_files import Host, config_files
from pipx_parallel.config.pip_settings import (
    PipSettings,
    default_index_url,
    load_pip_settings,
    parse_default_index,
    read_pip_settings,
)
from pipx_parallel.errors import UsageError
from pipx_parallel.requirements.files import FileReader
from tests.support.texts import TextReader

LINUX = Host("linux", "/home/u", "/venv", "/dev/null")
MAC = Host("darwin", "/Users/u", "/venv", "/dev/null")
WINDOWS = Host("win32", "C:\\Users\\u", "C:\\venv", "nul")


def read(texts: dict[str, str] | None = None, environ: dict[str, str] | None = None) -> PipSettings:
    """Read the settings of a Linux machine."""
    return read_pip_settings(environ or {}, LINUX, TextReader(texts or {}))


def test_without_configuration_nothing_is_set() -> None:
    """Not even the default index: that is asked of pip where it is needed."""
    assert read() == PipSettings()


def test_files_are_looked_for_where_pip_does_on_linux() -> None:
    """Global, the user's old and new place, site; the later the stronger."""
    assert config_files({}, LINUX, TextReader({})) == (
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        "/home/u/.pip/pip.conf",
        "/home/u/.config/pip/pip.conf",
        "/venv/pip.conf",
    )


def test_xdg_variables_move_the_files() -> None:
    """Several global folders are allowed."""
    environ = {"XDG_CONFIG_DIRS": "/a:/b/", "XDG_CONFIG_HOME": "~/c"}

    assert config_files(environ, LINUX, TextReader({})) == (
        "/a/pip/pip.conf",
        "/b/pip/pip.conf",
        "/etc/pip.conf",
        "/home/u/.pip/pip.conf",
        "/home/u/c/pip/pip.conf",
        "/venv/pip.conf",
    )


def test_files_on_windows() -> None:
    """pip.ini, below the folders that Windows names."""
    environ = {"APPDATA": "C:\\Users\\u\\AppData\\Roaming", "PROGRAMDATA": "C:\\ProgramData"}

    assert config_files(environ, WINDOWS, TextReader({})) == (
        "C:\\ProgramData\\pip\\pip.ini",
        "C:\\Users\\u\\pip\\pip.ini",
        "C:\\Users\\u\\AppData\\Roaming\\pip\\pip.ini",
        "C:\\venv\\pip.ini",
    )


def test_files_on_macos() -> None:
    """Application Support where pip has a folder there, else the place that Linux has."""
    support = "/Users/u/Library/Application Support/pip/pip.conf"

    assert config_files({}, MAC, TextReader({}))[-2] == "/Users/u/.config/pip/pip.conf"
    assert config_files({}, MAC, TextReader({support: ""})) == (
        "/Library/Application Support/pip/pip.conf",
        "/Users/u/.pip/pip.conf",
        support,
        "/venv/pip.conf",
    )


def test_a_file_of_the_environment_takes_the_place_of_the_users() -> None:
    """Where it exists."""
    environ = {"PIP_CONFIG_FILE": "/my.conf"}

    assert config_files(environ, LINUX, TextReader({"/my.conf": ""}))[2:] == ("/venv/pip.conf", "/my.conf")
    assert "/home/u/.config/pip/pip.conf" in config_files(environ, LINUX, TextReader({}))


def test_the_null_device_turns_all_files_off() -> None:
    """But not the variables."""
    texts = {"/etc/pip.conf": "[global]\nindex-url = https://one.example/\nproxy = p\n"}
    settings = read(texts, {"PIP_CONFIG_FILE": "/dev/null", "PIP_PROXY": "q"})

    assert (settings.values.get("index_url"), settings.values.get("proxy")) == (None, "q")


def test_values_have_types_and_origins() -> None:
    """Lists by blanks and lines, switches by words, numbers as numbers."""
    text = """
[global]
index-url = https://one.example/simple
extra_index_url =
    https://two.example/simple
    https://three.example/simple
--timeout = 60
no-index = off
pre = Yes
trusted-host = a b
format = ignored
[freeze]
timeout = 1
"""
    settings = read({"/etc/pip.conf": text}, {"PIP_RETRIES": "3", "PIP_CERT": "/ca.pem", "PIP_NOT_OURS": "x"})

    assert settings == PipSettings(
        {
            "index_url": "https://one.example/simple",
            "extra_index_url": ("https://two.example/simple", "https://three.example/simple"),
            "timeout": "60",
            "no_index": False,
            "pre": True,
            "trusted_host": ("a", "b"),
            "retries": "3",
            "cert": "/ca.pem",
        },
        origins={
            "index_url": "/etc/pip.conf",
            "extra_index_url": "/etc/pip.conf",
            "timeout": "/etc/pip.conf",
            "no_index": "/etc/pip.conf",
            "pre": "/etc/pip.conf",
            "trusted_host": "/etc/pip.conf",
            "retries": "PIP_RETRIES",
            "cert": "PIP_CERT",
        },
    )


def test_a_commands_section_beats_global_whatever_the_file() -> None:
    """[install] of the machine over [global] of the user; variables over both."""
    texts = {
        "/etc/pip.conf": "[install]\nproxy = machine-install\ncert = machine-install\n",
        "/home/u/.config/pip/pip.conf": "[global]\nproxy = user\ncert = user\ntimeout = 5\n",
    }
    settings = read(texts, {"PIP_CERT": "variable", "PIP_DEFAULT_TIMEOUT": "7"})

    assert (settings.values.get("proxy"), settings.values.get("cert"), settings.values.get("timeout")) == (
        "machine-install",
        "variable",
        "7",
    )


def test_lists_of_names_add_up_and_exclude_each_other() -> None:
    """Unlike everything else: pip calls the option again for each place."""
    texts = {"/etc/pip.conf": "[global]\nonly-binary = A,b\n[install]\nno-binary = b\n"}

    settings = read(texts, {"PIP_ONLY_BINARY": "c"})

    assert (settings.values.get("only_binary"), settings.values.get("no_binary")) == (("a", "c"), ("b",))


def test_an_empty_value_says_nothing() -> None:
    """It takes back what an earlier file has in the same section, and never more."""
    texts = {
        "/etc/pip.conf": "[global]\nproxy = machine\ncert = machine\n",
        "/home/u/.config/pip/pip.conf": "[global]\nproxy =\n[install]\ncert =\n",
    }

    settings = read(texts, {"PIP_CERT": ""})

    assert (settings.values.get("proxy"), settings.values.get("cert")) == (None, "machine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[global]\ntimeout = soon\n", "/etc/pip.conf: timeout = 'soon' cannot be used; give a number"),
        ("[global]\npre = perhaps\n", "/etc/pip.conf: pre = 'perhaps' cannot be used; give yes or no"),
        ("pre = yes\n", "/etc/pip.conf cannot be read: File contains no section headers"),
    ],
)
def test_what_pip_would_refuse_is_refused(text: str, message: str) -> None:
    """Naming the file."""
    with pytest.raises(UsageError) as caught:
        read({"/etc/pip.conf": text})

    assert message in str(caught.value)


def test_the_default_is_read_from_pips_help() -> None:
    """Where pip's module is not where it was."""
    text = "  -i, --index-url <url>  Base URL (default https://built-in.example/simple)\n --timeout <sec> (default 15 seconds)"

    assert parse_default_index(text) == "https://built-in.example/simple"
    assert parse_default_index("nothing of the kind") is None


def test_module_and_help_of_the_installed_pip_agree() -> None:
    """Two ways to the same default."""
    from pipx_parallel.config.pip_settings import _install_help

    assert parse_default_index(_install_help()) == default_index_url()


PLANTED = """
[global]
index-url = https://one.example/simple
extra-index-url = https://two.example/simple
    https://three.example/simple
only-binary = a,b
[install]
Trusted_Host = h.example
no-binary = b
"""


@pytest.mark.tools
def test_real_pip_reads_the_same_files(tmp_path: Path) -> None:
    """Pip config debug names the files; the parser of pip install says which value wins."""
    home = tmp_path / "home"
    for path, text in {
        home / ".config" / "pip" / "pip.conf": PLANTED,
        home / ".pip" / "pip.conf": "[global]\ntimeout = 5\nindex-url = https://old.example/simple\n",
        tmp_path / "machine" / "pip" / "pip.conf": "[global]\nproxy = p.example:80\ntimeout = 9\n",
    }.items():
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "XDG_"))}
    environ = {
        **environment,
        "HOME": str(home),
        "XDG_CONFIG_DIRS": str(tmp_path / "machine"),
        "PIP_RETRIES": "2",
        "PIP_ONLY_BINARY": "c",
    }

    def pip(*arguments: str) -> str:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout

    host = Host(sys.platform, str(home), sys.prefix)
    named = [line.strip().partition(", exists")[0] for line in pip("debug").splitlines() if ", exists" in line]
    assert sorted(config_files(environ, host, FileReader())) == sorted(named)

    settings = read_pip_settings(environ, host, FileReader())
    # What `pip install` without flags would do: the parser of the command, with its configured defaults.
    program = (
        "import json; from pip._internal.commands import create_command; o = create_command('install').parse_args([])[0];"
        "print(json.dumps([o.index_url, o.extra_index_urls, o.timeout, o.proxy, o.trusted_hosts, o.retries, o.pre,"
        " sorted(o.format_control.only_binary), sorted(o.format_control.no_binary), o.no_index, o.cert]))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [
        settings.values.get("index_url"),
        list(settings.texts("extra_index_url")),
        float(str(settings.values["timeout"])),
        settings.values.get("proxy"),
        list(settings.texts("trusted_host")),
        int(str(settings.values["retries"])),
        settings.values.get("pre", False),
        list(settings.texts("only_binary")),
        list(settings.texts("no_binary")),
        settings.values.get("no_index", False),
        settings.values.get("cert"),
    ]
    assert settings.values.get("index_url") == "https://one.example/simple"


def test_this_machine_can_be_read() -> None:
    """Whatever is configured here, it is understood."""
    assert isinstance(load_pip_settings(os.environ, FileReader()), PipSettings)
