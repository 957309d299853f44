"""All sources together."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipx_parallel.model import Origin, SourceFile
from pipx_parallel.requirements.describe import describe
from pipx_parallel.requirements.files import FileReader
from pipx_parallel.requirements.load import InputRequest, kind_of, load_inputs
from tests.support.texts import TextReader

DIGEST = "a" * 64


def test_several_sources_are_read_in_order() -> None:
    """Flag, sources, -r, -c; duplicates stay separate roots."""
    reader = TextReader({"a.txt": "a\nx\n", "b.in": "b\n", "c.txt": "c<1\n", "-": "d\nx>1\n"})

    inputs = load_inputs(
        InputRequest(["a.txt", "-"], packages="p>=1,<2,q", requirement_files=["b.in"], constraint_files=["c.txt"]),
        environ={},
        reader=reader,
    )

    assert [str(root.origin) for root in inputs.roots] == [
        "--packages",
        "--packages",
        "a.txt:1",
        "a.txt:2",
        "<stdin>:1",
        "<stdin>:2",
        "b.in:1",
    ]
    assert [(root.name, root.specifier) for root in inputs.roots if root.name == "x"] == [("x", ""), ("x", ">1")]
    assert [(root.name, root.constraint) for root in inputs.constraints] == [("c", True)]
    assert inputs.files == tuple(
        SourceFile(path, hashlib.sha256(text).hexdigest())
        for path, text in (("a.txt", b"a\nx\n"), ("-", b"d\nx>1\n"), ("b.in", b"b\n"), ("c.txt", b"c<1\n"))
    )


def test_overrides_are_requirements_or_files_of_them() -> None:
    """They are kept apart from the roots."""
    inputs = load_inputs(
        InputRequest([], overrides=["a==1", "o.txt"]), environ={}, reader=TextReader({"o.txt": "b==2\n"})
    )

    assert [(root.name, root.specifier, str(root.origin)) for root in inputs.overrides] == [
        ("a", "==1", "--override"), ("b", "==2", "o.txt:1"),
    ]  # fmt: skip
    assert inputs.roots == ()


def test_excludes_are_names() -> None:
    """Normalised, each once."""
    assert load_inputs(InputRequest([], excludes=["A_b,c", "a-b"]), environ={}, reader=TextReader({})).excludes == (
        "a-b",
        "c",
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [(f"a --hash=sha256:{DIGEST}\nb\n", True), (f"a @ https://h.example/a.zip#sha256={DIGEST}\n", False)],
)
def test_a_hash_option_asks_for_hashes_on_all(text: str, wanted: bool) -> None:
    """As in pip, where the hash of a URL does not."""
    inputs = load_inputs(InputRequest(["r.txt"]), environ={}, reader=TextReader({"r.txt": text}))

    assert inputs.options.require_hashes is wanted


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("-", "requirements"), ("x/pyproject.toml", "toml"), ("pylock.dev.toml", "toml"), ("setup.cfg", "setup.cfg"),
        ("x/setup.py", "setup.py"), ("run.py", "script"), ("requirements.in", "requirements"), ("folder", "folder"),
        ("https://h.example/r.txt", "requirements"), ("https://h.example/pylock.toml", "toml"),
    ],
)  # fmt: skip
def test_a_source_is_known_by_its_name(source: str, kind: str) -> None:
    """The kind is detected by the name, else by the content."""
    assert kind_of(source, TextReader({"folder/x": ""})) == kind


def test_what_was_understood_can_be_shown_without_secrets() -> None:
    """Every root, constraint and option with its origin; JSON-ready."""
    text = (
        f"--index-url https://u:s3cret@h.example/simple\n-c c.txt\na[x]>=1 ; os_name == 'nt' --hash=sha256:{DIGEST}\n"
    )
    text += "b @ git+https://s3cret@h.example/b.git\n--find-links https://h.example/?token=s3cret\n"
    inputs = load_inputs(InputRequest(["r.txt"]), environ={}, reader=TextReader({"r.txt": text, "c.txt": "c<2\n"}))

    shown = describe(inputs)

    assert "s3cret" not in json.dumps(shown)
    assert shown["roots"][0] == {
        "name": "a", "extras": ["x"], "specifier": ">=1", "marker": 'os_name == "nt"', "url": None, "hashes": [f"sha256:{DIGEST}"],
        "editable": False, "config-settings": [], "text": "a[x]>=1 ; os_name == 'nt'", "origin": "r.txt:3", "via": [],
    }  # fmt: skip
    assert shown["roots"][1]["url"] == "git+https://****@h.example/b.git"
    assert (shown["constraints"][0]["origin"], shown["constraints"][0]["via"]) == ("c.txt:1", ["r.txt:2"])
    assert shown["written"][0] == {
        "option": "--index-url",
        "value": "https://u:****@h.example/simple",
        "origin": "r.txt:1",
    }
    assert shown["options"]["find-links"] == ["https://h.example/?token=****"]


def test_a_file_named_by_a_secret_url_is_masked_everywhere() -> None:
    """Origins and the list of files included."""
    url = "https://u:s3cret@h.example/r.txt"

    inputs = load_inputs(InputRequest([url]), environ={}, reader=TextReader({url: "a\n"}))

    assert "s3cret" not in str(inputs)
    assert inputs.roots[0].origin == Origin("https://u:****@h.example/r.txt", 1)


def test_a_plain_file_is_read_without_packaging(tmp_path: Path) -> None:
    """A warm lock has no time for it, nor for the requirements parser, nor for HTTP."""
    (tmp_path / "r.in").write_text("requests\nnumpy>=1.26,<3\nuvicorn[standard]==0.3.*\n-c c.txt\n", encoding="utf-8")
    (tmp_path / "c.txt").write_text("idna<4\n", encoding="utf-8")
    program = (
        "import sys; before = set(sys.modules); from pipx_parallel.requirements.load import InputRequest, load_inputs;"
        "from pipx_parallel.requirements.files import FileReader;"
        "load_inputs(InputRequest([sys.argv[1]]), environ={}, reader=FileReader());"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} &"
        " {'packaging', 'pip_requirements_parser', 'optparse', 'http', 'tomllib', 'configparser', 'dataclasses', 'inspect'}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "r.in")], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("\n", "")


def test_real_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of the command line: paths, file: URLs, standard input once, and no network unless given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.txt").write_bytes(b"a")
    reads: list[str] = []

    def fetch(url: str) -> bytes:
        reads.append(url)
        return b"f"

    def stdin() -> bytes:
        reads.append("-")
        return b"s"

    reader = FileReader(fetch, stdin)

    assert reader.read("r.txt") == b"a"
    assert reader.read((tmp_path / "r.txt").as_uri()) == b"a"
    assert [reader.read("-"), reader.read("-"), reader.read("https://h.example/r.txt")] == [b"s", b"s", b"f"]
    assert reads == ["-", "https://h.example/r.txt"]
    assert [reader.kind("r.txt"), reader.kind("."), reader.kind("x")] == ["file", "folder", ""]
    assert reader.absolute("x/../r.txt") == str(tmp_path / "r.txt")
    with pytest.raises(OSError, match="cannot be fetched"):
        FileReader().read("https://h.example/r.txt")
    with pytest.raises(OSError, match="another host"):
        FileReader().read("file://elsewhere/r.txt")


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_pipe_is_read_once_and_stored(tmp_path: Path) -> None:
    """A shell's ``<(…)`` is read once, although its kind is detected before it is parsed."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_text("app\n"), daemon=True).start()

    inputs = load_inputs(InputRequest([str(pipe)]), environ={}, reader=FileReader())

    assert [root.name for root in inputs.roots] == ["app"]
