"""Settings: which place wins, what is refused, and what the mirror is reported."""

from __future__ import annotations

import pytest

from pipx_parallel.config.checks import AUTO_WORKERS
from pipx_parallel.config.layers import SOURCES, Chosen, Layer, Raw, input_layer
from pipx_parallel.config.mirror_location import default_mirror, mirror_settings
from pipx_parallel.config.option import Option
from pipx_parallel.config.options import OPTIONS
from pipx_parallel.config.recorded import answer_settings, index_options
from pipx_parallel.config.settings import MirrorAccess, ResolveSettings, resolve_settings
from pipx_parallel.errors import UsageError
from pipx_parallel.model import IndexOptions

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z


def settled(source: str = "flag", **values: Raw) -> ResolveSettings:
    """Return the settings that one place alone leads to."""
    return resolve_settings(Chosen([Layer(source, values)]), "/mirror", NOW)


def test_without_a_word_from_anybody_the_defaults_hold() -> None:
    """Ten workers, pip's patience, the newest releases."""
    assert settled() == ResolveSettings(mirror=MirrorAccess("/mirror"))


@pytest.mark.parametrize("nearer", range(len(SOURCES) - 1))
def test_the_nearer_place_wins(nearer: int) -> None:
    """Flag, environment, input, project, pip: each beats all that come after it, in whatever order they are given."""
    given_layers = [Layer(source, {"index_url": f"https://{source}.example/"}) for source in SOURCES[nearer:]]

    chosen = Chosen(given_layers[::-1])

    assert chosen.text("index_url") == f"https://{SOURCES[nearer]}.example/"


def test_a_nearer_no_beats_a_farther_yes() -> None:
    """A variable that says 0 turns off what the project turns on."""
    chosen = Chosen([Layer("project", {"pre": True}), Layer("environment", {"pre": False})])

    assert not chosen.flag("pre")


def test_places_to_look_add_up_as_in_pip() -> None:
    """An extra index on the command line does not make pip's configured one disappear."""
    chosen = Chosen([Layer("pip", {"extra_index_url": ("b", "a")}), Layer("flag", {"extra_index_url": ("a",)})])

    assert chosen.texts("extra_index_url") == ("a", "b")


def test_other_lists_come_from_one_place() -> None:
    """--extra on the command line replaces the project's list."""
    chosen = Chosen([Layer("project", {"extra": ("dev", "docs")}), Layer("flag", {"extra": ("test",)})])

    assert chosen.texts("extra") == ("test",)


@pytest.mark.parametrize(
    ("source", "called"),
    [
        ("flag", "--max-workers"),
        ("environment", "PIPX_PARALLEL_MAX_WORKERS"),
        ("project", "max-workers of [tool.pipx-parallel]"),
        ("pip", "--max-workers of pip's settings"),
    ],
)
def test_a_refused_value_is_named_with_its_place_and_remedy(source: str, called: str) -> None:
    """Whoever reads the message knows what to change, where, and into what."""
    with pytest.raises(UsageError) as caught:
        settled(source, max_workers="51")

    assert str(caught.value) == f"{called}: '51' cannot be used; give 1 to 50, or \"auto\" (the default)"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_workers", "0"),
        ("max_workers", "-1"),
        ("max_workers", "ten"),
        ("max_workers", "1.5"),
        ("max_workers", ""),
        ("timeout", "0"),
        ("timeout", "-3"),
        ("timeout", "nan"),
        ("timeout", "1e9"),
        ("retries", "-1"),
        ("retries", "101"),
        ("resolution", "newest"),
        ("transport", "pigeon"),
        ("index_strategy", "any"),
        ("uploaded_prior_to", "yesterday"),
        ("uploaded_prior_to", "P"),
        ("uploaded_prior_to", "PT"),
        ("uploaded_prior_to", "2026-13-01"),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: str) -> None:
    """Nothing is guessed and nothing ignored."""
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')}: {value!r} cannot be used; give "):
        settled(**{name: value})


@pytest.mark.parametrize(("value", "workers"), [("1", 1), ("50", 50), ("auto", AUTO_WORKERS)])
def test_workers(value: str, workers: int) -> None:
    """1 to 50, or as many as measurement suggests."""
    assert settled(max_workers=value).network.max_workers == workers


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2023-11-01", "2023-11-01T00:00:00Z"),
        ("2023-11-01T12:30:00Z", "2023-11-01T12:30:00Z"),
        ("2023-11-01T12:30:00+02:00", "2023-11-01T10:30:00Z"),
        ("P7D", "2023-11-07T22:13:20Z"),
        ("p1w", "2023-11-07T22:13:20Z"),
        ("PT13M", "2023-11-14T22:00:20Z"),
        ("P1DT1H", "2023-11-13T21:13:20Z"),
    ],
)
def test_a_cutoff_is_one_moment_in_utc(value: str, moment: str) -> None:
    """Dates, times and ages end in the same form; without a zone UTC is meant, so that every machine sees the same."""
    assert settled(uploaded_prior_to=value).selection.uploaded_prior_to == moment


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (("Foo_Bar,baz",), ("baz", "foo-bar")),
        (("a", ":all:"), (":all:",)),
        ((":all:", ":none:", "b"), ("b",)),
        (("a, b", "a"), ("a", "b")),
        ((",",), ()),
    ],
)
def test_lists_of_names_follow_pip(values: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Commas separate, ``:none:`` empties, ``:all:`` stands alone, names are normalised."""
    assert settled(only_binary=values).selection.only_binary == names


def test_lists_of_names_add_up_over_all_places() -> None:
    """As in pip; the nearest place has the last word on a project, and ":all:" leaves room for exceptions."""
    given_layers = [
        Layer("pip", {"only_binary": (":all:",), "no_binary": ("a",)}),
        Layer("input", {"only_binary": ("a",), "no_binary": ("b",)}),
        Layer("flag", {"no_binary": ("c", "d"), "only_binary": ("d",)}),
    ]
    settings = resolve_settings(Chosen(given_layers), "/mirror", 0.0)

    assert (settings.selection.only_binary, settings.selection.no_binary) == ((":all:", "a"), ("b", "c", "d"))


def test_no_index_leaves_no_index() -> None:
    """Only find-links remain, whoever named the indexes."""
    settings = settled(no_index=True, index_url="https://a.example/", extra_index_url=("b",), find_links=("wheels",))

    assert (settings.indexes.index_url, settings.indexes.extra_index_urls, settings.indexes.find_links) == (
        None,
        (),
        ("wheels",),
    )


def test_offline_and_refresh_exclude_each_other() -> None:
    """One forbids what the other asks for."""
    with pytest.raises(UsageError, match="--refresh needs the network and --offline forbids it"):
        settled(offline=True, refresh=True)


def test_input_files_have_a_layer_of_their_own() -> None:
    """Options of a requirements file lose to a flag and beat pip's settings; what they leave out they do not say."""
    layer = input_layer(IndexOptions(index_url="https://file.example/", pre=True))

    assert layer == Layer("input", {"index_url": "https://file.example/", "pre": True})


def test_credentials_leave_the_urls_of_the_mirror() -> None:
    """The mirror knows plain URLs, and asks a function when a host wants a password."""
    opened = mirror_settings(
        settled(index_url="https://us%40er:p%3Aw@index.example/simple/", extra_index_url=("https://other.example/",))
    )

    assert opened.indexes == ("https://index.example/simple/", "https://other.example/")
    assert opened.credentials is not None
    assert opened.credentials("https://index.example/files/x.whl") == ("us@er", "p:w")
    assert opened.credentials("https://other.example/") is None
    assert opened.credentials("http://index.example/simple/") is None


def test_credentials_of_find_links_and_routes_leave_their_urls_too() -> None:
    """Every place that a secret can be written is cleaned."""
    opened = mirror_settings(
        settled(
            find_links=("https://u:p@links.example/page", "./wheels"),
            sources=("My.Name=https://v:q@private.example/simple",),
        )
    )

    assert opened.find_links == ("https://links.example/page", "./wheels")
    assert opened.routes == (("my-name", "https://private.example/simple"),)
    assert opened.credentials is not None
    assert opened.credentials("https://links.example/x.whl") == ("u", "p")
    assert opened.credentials("https://private.example/simple/a/") == ("v", "q")


@pytest.mark.parametrize(
    ("platform", "environ", "source"),
    [
        ("linux", {"HOME": "/home/u"}, "/home/u/.local/share/pipx-parallel/mirror"),
        ("linux", {"HOME": "/home/u", "XDG_DATA_HOME": "/data"}, "/data/pipx-parallel/mirror"),
        ("darwin", {"HOME": "/Users/u"}, "/Users/u/Library/Application Support/pipx-parallel/mirror"),
        ("win32", {"LOCALAPPDATA": "C:\\Local"}, "C:\\Local\\pipx-parallel\\mirror"),
        ("win32", {"USERPROFILE": "C:\\u"}, "C:\\u\\AppData\\Local\\pipx-parallel\\mirror"),
    ],
)
def test_the_mirror_lives_where_data_lives(platform: str, environ: dict[str, str], source: str) -> None:
    """Not in a cache folder: what was warmed outlives a tidy-up."""
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    assert default_mirror(environ, platform, home) == source


def test_the_lock_records_only_settings_that_change_the_result() -> None:
    """Workers, timeouts and places to keep things leave no trace; an age stays an age."""
    chosen = Chosen([Layer("flag", {"max_workers": "3", "pre": True, "uploaded_prior_to": "P7D", "offline": True})])

    written = answer_settings(chosen, resolve_settings(chosen, "/mirror", NOW))

    assert written == {"pre": "true", "uploaded-prior-to": "P7D"}


def test_a_lock_records_the_options_that_the_user_gave() -> None:
    """The indexes of pip's settings are left to the pip that installs; settings that change the result are recorded."""
    asked = Chosen([Layer("flag", {"extra_index_url": ("https://a.example/",)})])
    settings = resolve_settings(
        asked.with_layer(Layer("pip", {"index_url": "https://b.example/", "pre": True})), "/m", NOW
    )

    assert index_options(asked, settings) == IndexOptions(extra_index_urls=("https://a.example/",), pre=True)


def test_every_field_of_an_option_exists_once() -> None:
    """A row of the option table fills one field, and no field of a settings record is filled by two rows."""
    fields = [option.setting for option in OPTIONS.values() if option.setting]
    records = ResolveSettings()
    missing = [
        setting
        for setting in fields
        if setting not in {"selection.no_require_hashes", "pip.use_features"}
        and not hasattr(getattr(records, setting.partition(".")[0]), setting.partition(".")[2])
    ]

    assert (missing, len(set(fields))) == ([], len(fields))


@pytest.mark.parametrize("option", [option for option in OPTIONS.values() if option.setting and option.value == ""])
def test_an_option_reaches_its_setting(option: Option) -> None:
    """From the row alone: name, kind and setting are spelled nowhere else."""
    record, _, field = option.setting.partition(".")
    texts = option.choices[-1:] or ("x",)
    value: Raw = True if option.kind == "flag" else texts if option.multiple else texts[0]
    chosen = Chosen([Layer("flag", {option.dest: value})])

    made = getattr(getattr(resolve_settings(chosen, "/mirror", NOW), record, None), field, value)

    assert made == value
