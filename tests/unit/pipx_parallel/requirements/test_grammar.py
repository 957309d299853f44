"""One line: requirement or options; and the options are exactly pip's."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipx_parallel.errors import RequirementsError
from pipx_parallel.model import Origin
from pipx_parallel.requirements import grammar
from pipx_parallel.requirements.grammar import ParsedLine, parse_line
from pipx_parallel.requirements.lines import LogicalLine

HERE = Origin("r.txt", 1)


def parse(text: str) -> ParsedLine:
    """Parse one logical line."""
    return parse_line(LogicalLine(HERE, text, text))


def test_a_requirement_keeps_its_options() -> None:
    """In the order written, by their full names."""
    line = parse("a>=1 ; os_name == 'x' --hash=sha256:aa -C k=v --hash sha256:bb")

    assert line.requirement == "a>=1 ; os_name == 'x'"
    assert line.options == (("--hash", "sha256:aa"), ("--config-settings", "k=v"), ("--hash", "sha256:bb"))


def test_an_editable_is_a_requirement() -> None:
    """Its value is the requirement's text."""
    assert parse("-e ./a[b]") == ParsedLine(HERE, "-e ./a[b]", "./a[b]", editable=True, options=())


def test_a_dash_inside_a_word_begins_no_option() -> None:
    """Only a word that starts with one does."""
    assert parse("a-b @ https://h.example/x-y").options == ()


plain_words = st.sampled_from(
    [
        "-r", "-c", "-i", "-f", "--index-url", "--extra-index-url", "--find-links", "--no-index", "--pre", "--hash",
        "--requirement", "--constraint", "--only-binary", "--no-binary", "--trusted-host", "--require-hashes",
        "--prefer-binary", "--all-releases", "--use-feature", "--index-url=x", "--hash=sha256:aa", "--pre=", "--extra=x",
        "-rx", "-r=x", "x", "a=b", "--", "-", "https://h.example/", ":all:", "--frob", "-C", "k=v",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(plain_words, min_size=1, max_size=5))
def test_reading_without_the_library_gives_what_the_library_gives(words: list[str]) -> None:
    """What is read the short way is read right; what is not, is left to the library."""
    tail = " ".join(words)
    short = grammar._read_plain(tail)
    if short is None:
        return

    assert short == grammar._read_with_library(tail, LogicalLine(HERE, tail, tail))


def _options() -> dict[str, bool]:
    """Return every option that a file may hold, short names included, and whether a value follows it."""
    return {name: valued for spellings, valued in grammar._option_table() for name in spellings}


def test_the_options_are_those_of_the_installed_pip() -> None:
    """A new option of pip, or one that is gone, shows up here."""
    from pip._internal.req import req_file

    factories = [*req_file.SUPPORTED_OPTIONS, *req_file.SUPPORTED_OPTIONS_REQ]
    made = [factory() for factory in factories]
    pips = {name: bool(option.takes_value()) for option in made for name in (*option._short_opts, *option._long_opts)}

    assert _options() == pips


def test_the_short_way_knows_every_option_of_the_table() -> None:
    """So that a plain line never needs the library."""
    names = {*grammar._VALUED, *grammar._SWITCHES, *grammar._SHORT}

    assert set(_options()) - names == {"--pypi-url", "-C"}


@pytest.mark.parametrize("text", ["-r a.txt", "a==1 --hash=sha256:aa", "--index-url https://h.example --pre", "a"])
def test_plain_lines_do_not_load_the_library(text: str) -> None:
    """It costs 80 ms."""
    program = (
        "import sys; from pipx_parallel.requirements.grammar import parse_line;"
        "from pipx_parallel.requirements.lines import LogicalLine; from pipx_parallel.model import Origin;"
        "parse_line(LogicalLine(Origin('r', 1), sys.argv[1], sys.argv[1]));"
        "sys.exit('pip_requirements_parser' in sys.modules or 'packaging' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program, text], check=False).returncode == 0


def test_the_library_gives_its_message_without_its_name() -> None:
    """The user knows no library."""
    with pytest.raises(RequirementsError) as caught:
        parse("--frob")

    assert caught.value.problem == "no such option: --frob in '--frob'"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("--frob", "see pip's documentation of the requirements file format for the options that a file may have"),
        ("--no", "write the option's name in full"),
        ("--index-url", "give the option one value"),
        ("--pre=yes", "write --pre without a value"),
        ("--prefer-b=1", "write --prefer-binary without a value"),
        (
            "--'no such option'",
            "see pip's documentation of the requirements file format for the options that a file may have",
        ),
        ("--pre='no such option'", "write --pre without a value"),
        ("--no='ambiguous option'", "write the option's name in full"),
    ],
)
def test_the_remedy_of_a_misspelt_option_fits_its_kind(text: str, remedy: str) -> None:
    """By what the parser met, whatever words the line holds."""
    with pytest.raises(RequirementsError) as caught:
        parse(text)

    assert caught.value.hint == remedy
