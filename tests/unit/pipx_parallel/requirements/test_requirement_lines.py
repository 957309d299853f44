"""Lines to roots; the corpus compares far more of them with pip."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pipx_parallel.errors import RequirementsError
from pipx_parallel.model import Origin, RootRequirement
from pipx_parallel.requirements import requirement_lines
from pipx_parallel.requirements.grammar import parse_line
from pipx_parallel.requirements.lines import logical_lines
from pipx_parallel.requirements.requirement_lines import parse_root, parse_text, split_packages
from tests.support.texts import TextReader

HERE = Origin("r.txt", 1)
DIGEST = "a" * 64


def root(text: str, *texts: str, constraint: bool = False, environ: dict[str, str] | None = None) -> RootRequirement:
    """Parse a one-line file; the texts named beside it are there, and empty."""
    (line,) = logical_lines(text, Origin("r.txt"), environ or {})
    return parse_root(parse_line(line), constraint=constraint, reader=TextReader(dict.fromkeys(texts, "")))


def test_a_plain_line_is_a_whole_root() -> None:
    """Name and extras normalised, clauses sorted, text as written."""
    assert root("Flask_X[B,a] >= 2 , <4  # web") == RootRequirement(
        name="flask-x",
        extras=("a", "b"),
        specifier="<4,>=2",
        marker=None,
        url=None,
        hashes=(),
        origin=HERE,
        text="Flask_X[B,a] >= 2 , <4",
    )


pieces = st.text(alphabet="aB1.-_[]<>=!~, *;@'", max_size=14)
clauses = st.lists(
    st.tuples(
        st.sampled_from(["==", "!=", ">=", "<=", "<", ">", "~=", "==="]),
        st.sampled_from(["1", "1.0", "1.*", "01.2", "1.2.3", "1rc1", "1.2.*", "1!2"]),
    ).map("".join),
    max_size=3,
).map(",".join)


@given(
    st.one_of(
        pieces,
        st.builds(
            "{}{}{}".format, st.sampled_from(["a", "A.b", "a[x]", "a [x, Y_z] "]), st.sampled_from(["", " "]), clauses
        ),
    )
)
@example("a==1.*")
@example("a~=1")
@example("a >=1,>=1")
def test_what_is_read_the_plain_way_is_what_packaging_reads(text: str) -> None:
    """The single source of truth is packaging; the short way only spares loading it."""
    plain = requirement_lines._plain(text, HERE)
    if plain is None:
        return

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        pytest.fail(f"accepted {text!r}, which packaging refuses: {error}")
    assert plain.name == canonicalize_name(requirement.name)
    assert plain.extras == tuple(sorted({canonicalize_name(extra) for extra in requirement.extras}))
    assert plain.specifier == str(requirement.specifier)
    assert (requirement.marker, requirement.url) == (None, None)


@pytest.mark.parametrize(
    "text", ["requests", "python-dateutil<3", "scikit-learn>=1.2,<2", "uvicorn[standard]~=0.20.1", "a==1.*", "b!=2"]
)
def test_common_lines_are_read_the_plain_way(text: str) -> None:
    """Else a warm lock would load packaging."""
    assert requirement_lines._plain(text, HERE) is not None


def test_the_text_is_what_was_written_with_its_variables() -> None:
    """A secret of the environment never becomes part of a root's text; its URL has it, for fetching."""
    requirement = root("a @ https://${TOKEN}@h.example/a-1.tar.gz", environ={"TOKEN": "s3cret"})

    assert requirement.text == "a @ https://****@h.example/a-1.tar.gz"
    assert requirement.url == "https://s3cret@h.example/a-1.tar.gz"


def test_hashes_of_line_and_fragment_are_one_list() -> None:
    """Pip allows a file that has any of them."""
    requirement = root(
        f"a @ https://h.example/a-1.tar.gz#sha256={DIGEST} --hash=sha512:{'b' * 128} --hash=sha256:{DIGEST.upper()}"
    )

    assert requirement.hashes == (f"sha512:{'b' * 128}", f"sha256:{DIGEST}")
    assert requirement.text == f"a @ https://h.example/a-1.tar.gz#sha256={DIGEST}"


def test_a_wheel_says_its_name_and_version() -> None:
    """From its file name."""
    requirement = root("https://h.example/Flask_X-1.0-py3-none-any.whl ; os_name == 'nt'")

    assert (requirement.name, requirement.specifier, requirement.marker) == ("flask-x", "==1.0", 'os_name == "nt"')


@pytest.mark.parametrize("text", ["./p", "https://h.example/p-1.0.tar.gz", "git+https://h.example/p.git", "-e ./p"])
def test_what_does_not_say_its_name_has_none(text: str) -> None:
    """The file name of a source archive proves nothing; the project itself must be asked."""
    assert root(text, "p/pyproject.toml").name == ""


def test_a_folder_becomes_an_absolute_url() -> None:
    """It counts from the current folder, as in pip."""
    requirement = root("-e ./p[Test]", "p/setup.py")

    assert (requirement.url, requirement.extras, requirement.editable) == ("file:///here/p", ("test",), True)


def test_config_settings_are_kept_in_order() -> None:
    """A key may come twice."""
    assert root("a -C k=1 -C k=2 -C j=").config_settings == (("k", "1"), ("k", "2"), ("j", ""))


def test_a_constraint_is_marked_as_one() -> None:
    """It asks for nothing by itself."""
    assert root("a<2", constraint=True).constraint


def test_a_malformed_text_of_a_flag_names_the_flag() -> None:
    """There is no file to name."""
    with pytest.raises(
        RequirementsError, match=r"^--packages: 'a==' is not a valid requirement: no version follows =="
    ):
        parse_text("a==", Origin("--packages"), TextReader({}))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("requests,pandas, numpy", ("requests", "pandas", "numpy")),
        ("a>=1,<2,b", ("a>=1,<2", "b")),
        ("a >= 1 , < 2 , b[x,y] ~= 3, !=3.1", ("a >= 1 , < 2", "b[x,y] ~= 3, !=3.1")),
        ("a; python_version in '3.8, 3.9',b", ("a; python_version in '3.8, 3.9'", "b")),
        ("a (>=1,<2),b", ("a (>=1,<2)", "b")),
        ("a,,b,", ("a", "b")),
        ("", ()),
    ],
)
def test_a_comma_before_a_name_begins_a_new_requirement(text: str, pieces: tuple[str, ...]) -> None:
    """A comma before an operator, in brackets or in quotes does not."""
    assert split_packages(text) == pieces
