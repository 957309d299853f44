"""Variables and project settings: which values they take, and how a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipx_parallel.cli.commands import lock
from pipx_parallel.cli.locations import environment_layer, project_layer
from pipx_parallel.config.layers import Layer
from pipx_parallel.config.options import ALL, CONSOLE
from pipx_parallel.errors import UsageError

OPTIONS = (*lock.OPTIONS, *CONSOLE)


def project(body: str, path: str = "/p/pyproject.toml") -> Layer:
    """Return what a [tool.pipx-parallel] table with this body says."""
    return project_layer(f"[tool.pipx-parallel]\n{body}\n", path)


def test_variables_speak_for_every_kind_of_option() -> None:
    """Words of a list are its values, a flag is on or off, a count is a number, an alias counts; empty says nothing."""
    layer = environment_layer(
        OPTIONS,
        {
            "PIPX_PARALLEL_EXTRA_INDEX_URL": "https://a.example/ https://b.example/",
            "PIPX_PARALLEL_PACKAGES": "a >= 1, b",
            "PIPX_PARALLEL_OFFLINE": "yes",
            "PIPX_PARALLEL_PRE": "0",
            "PIPX_PARALLEL_VERBOSE": "2",
            "PIPX_PARALLEL_EXCLUDE_NEWER": "P7D",
            "PIPX_PARALLEL_MIRROR": "/a folder",
            "PIPX_PARALLEL_INDEX_URL": "",
            "UNRELATED": "1",
        },
    )

    assert layer == Layer(
        "environment",
        {
            "extra_index_url": ("https://a.example/", "https://b.example/"),
            "packages": ("a >= 1, b",),
            "offline": True,
            "pre": False,
            "verbose": 2,
            "uploaded_prior_to": "P7D",
            "mirror": "/a folder",
        },
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("OFFLINE", "maybe", "PIPX_PARALLEL_OFFLINE: 'maybe' is neither on nor off; give 1 or 0"),
        ("RESOLUTION", "newest", "PIPX_PARALLEL_RESOLUTION: 'newest' cannot be used; give highest or lowest or"),
        ("VERBOSE", "-1", "PIPX_PARALLEL_VERBOSE: '-1' is neither on nor off"),
    ],
)
def test_a_variable_with_a_wrong_value_is_named(name: str, text: str, message: str) -> None:
    """The variable, its value and the remedy are in the message."""
    with pytest.raises(UsageError) as caught:
        environment_layer(OPTIONS, {f"PIPX_PARALLEL_{name}": text})

    assert str(caught.value).startswith(message)


def test_a_project_configures_in_toml() -> None:
    """Numbers, texts, lists and booleans; one text where a list may stand; a date as a date; tables of others left alone."""
    layer = project(
        'max-workers = 4\ntimeout = 2.5\npre = true\nextra = "dev"\nonly-binary = ["a", "b"]\n'
        "exclude-newer = 2026-01-01\n[tool.pipx-parallel.setuptools]\nx = 1"
    )

    assert layer.values == {
        "max_workers": "4",
        "timeout": "2.5",
        "pre": True,
        "extra": ("dev",),
        "only_binary": ("a", "b"),
        "uploaded_prior_to": "2026-01-01",
    }


def test_relative_paths_count_from_the_file_they_stand_in(tmp_path: Path) -> None:
    """A project means its own folder, wherever the command is run; URLs, - and absolute paths stay."""
    layer = project(
        'mirror = "m"\ncert = "/etc/ca"\noutput = ["-", "locks/a.txt"]\nfind-links = ["wheels", "https://a.example/"]',
        str(tmp_path / "pyproject.toml"),
    )

    assert layer.values == {
        "mirror": str(tmp_path / "m"),
        "cert": "/etc/ca",
        "output": ("-", str(tmp_path / "locks/a.txt")),
        "find_links": (str(tmp_path / "wheels"), "https://a.example/"),
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("max-worker = 3", "[tool.pipx-parallel] has no option 'max-worker'; did you mean 'max-workers'?"),
        ("zzz = 3", "[tool.pipx-parallel] has no option 'zzz'"),
        ('pre = "yes"', "pre of [tool.pipx-parallel]: 'yes' is neither true nor false"),
        ("index-url = [1, 2]", "index-url of [tool.pipx-parallel]: [1, 2] cannot be used; give one text or number"),
        (
            "extra = [true]",
            "extra of [tool.pipx-parallel]: [True] cannot be used; give a text or a list of texts ([0] is",
        ),
        (
            'group = ["a", 1]',
            "group of [tool.pipx-parallel]: ['a', 1] cannot be used; give a text or a list of texts ([1] is",
        ),
        ('resolution = "x"', "resolution of [tool.pipx-parallel]: 'x' cannot be used; give highest or lowest or"),
        ("= 3", "not a readable pyproject.toml"),
    ],
)
def test_a_project_table_with_a_wrong_value_is_named(body: str, message: str) -> None:
    """File, key, value and remedy are in the message; nothing is ignored."""
    with pytest.raises(UsageError) as caught:
        project(body)

    assert str(caught.value).startswith(f"/p/pyproject.toml: {message}")


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'", "[tool.other]\nx = 1", "not toml at all"])
def test_a_project_without_our_table_says_nothing(text: str) -> None:
    """Whoever needs that file as an input reads it with its own care."""
    assert project_layer(text, "pyproject.toml") == Layer("project", {})


def test_a_table_that_is_not_valid_is_refused() -> None:
    """``pipx-parallel = 3`` under [tool] is a mistake, not an empty table."""
    with pytest.raises(UsageError, match="must be a table"):
        project_layer("[tool]\npipx-parallel = 3", "pyproject.toml")


def test_no_option_has_two_meanings() -> None:
    """Names are the key of everything: two options of one name would read each other's values."""
    names = [name for option in (*ALL,) for name in option.names]

    assert len(names) == len(set(names))
