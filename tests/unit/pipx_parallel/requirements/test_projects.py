"""pyproject.toml, setup.cfg, scripts, locks and folders as sources."""

from __future__ import annotations

from typing import Any

import pytest

from pipx_parallel.errors import RequirementsError
from pipx_parallel.model import Inputs
from pipx_parallel.requirements.load import InputRequest, load_inputs
from pipx_parallel.requirements.project_metadata import BuiltProject
from tests.support.texts import TextReader

PROJECT = """\
[build-system]
requires = ["hatchling>=1", "hatch-vcs"]

[project]
name = "My.App"
requires-python = ">=3.9"
dependencies = [
    "flask>=2",
    "tomli ; python_version < '3.11'",
]

[project.optional-dependencies]
test = ["pytest", "my-app[Color_Out]"]
color_out = ["rich>=13 ; os_name == 'posix'"]
all = ["my_app[test] ; python_version >= '3.10'", "flask>=2"]

[dependency-groups]
lint = ["ruff"]
dev = [{include-group = "lint"}, "mypy>=1"]
"""


def load(texts: dict[str, str], *sources: str, **options: Any) -> Inputs:
    """Load the sources from texts."""
    builder = options.pop("builder", None)
    return load_inputs(InputRequest(sources, **options), environ={}, reader=TextReader(texts), builder=builder)


def shown(inputs: Inputs) -> list[str]:
    """Return origin and requirement of every root."""
    return [
        f"{root.origin} {root.name}{root.specifier or ''}" + (f"; {root.marker}" if root.marker else "")
        for root in inputs.roots
    ]


def test_a_project_asks_for_its_dependencies() -> None:
    """Each with its line."""
    inputs = load({"pyproject.toml": PROJECT}, "pyproject.toml")

    assert shown(inputs) == ["pyproject.toml:8 flask>=2", 'pyproject.toml:9 tomli; python_version < "3.11"']
    assert inputs.requires_python == ">=3.9"
    assert [file.path for file in inputs.files] == ["pyproject.toml"]


def test_groups_without_a_project_need_no_build() -> None:
    """PEP 735: what has neither [project] nor [build-system] is no project, only a place for groups."""
    groups = {"pyproject.toml": "[dependency-groups]\ndev = ['ruff']\n"}

    assert shown(load(groups, "pyproject.toml", groups=["dev"])) == ["pyproject.toml:2 ruff"]
    assert shown(load(groups, "pyproject.toml")) == []
    with pytest.raises(RequirementsError, match="only the build backend knows"):
        load({**groups, "setup.py": ""}, "pyproject.toml", groups=["dev"])


def test_an_extra_may_ask_for_the_projects_own_extras() -> None:
    """They are followed, under all markers on the way."""
    inputs = load({"pyproject.toml": PROJECT}, "pyproject.toml", extras=["ALL"])

    assert shown(inputs)[2:] == [
        'pyproject.toml:13 pytest; python_version >= "3.10"',
        'pyproject.toml:14 rich>=13; os_name == "posix" and python_version >= "3.10"',
        "pyproject.toml:15 flask>=2",
    ]


def test_extras_that_ask_for_each_other_end() -> None:
    """A circle of extras is no error for pip either."""
    text = "[project]\nname='a'\n[project.optional-dependencies]\nx=['a[y]','p']\ny=['a[x]','q']\n"

    assert [root.name for root in load({"pyproject.toml": text}, "pyproject.toml", extras=["x"]).roots] == ["q", "p"]


def test_groups_include_groups() -> None:
    """PEP 735; the project's own dependencies come first."""
    inputs = load({"pyproject.toml": PROJECT}, "pyproject.toml", groups=["Dev"])

    assert shown(inputs)[2:] == ["pyproject.toml:18 ruff", "pyproject.toml:19 mypy>=1"]


def test_a_group_alone_is_read_from_the_current_folder() -> None:
    """As pip's --group."""
    assert shown(load({"pyproject.toml": PROJECT}, groups=["lint"])) == ["pyproject.toml:18 ruff"]


def test_a_group_of_another_file() -> None:
    """Pip's PATH:GROUP."""
    inputs = load({"sub/pyproject.toml": PROJECT}, groups=["sub/pyproject.toml:lint"])

    assert shown(inputs) == ["sub/pyproject.toml:18 ruff"]


def test_build_requirements_on_request() -> None:
    """PEP 518, with pip's default where the table is not there."""
    declared = load({"pyproject.toml": PROJECT}, "pyproject.toml", build_requires=True)
    default = load({"pyproject.toml": "[project]\nname='a'\n"}, "pyproject.toml", build_requires=True)

    assert shown(declared)[2:] == ["pyproject.toml:2 hatchling>=1", "pyproject.toml:2 hatch-vcs"]
    assert shown(default) == ["pyproject.toml setuptools>=40.8.0"]


DYNAMIC = "[project]\nname = 'a'\ndynamic = ['dependencies', 'optional-dependencies']\n"


def test_dynamic_dependencies_come_from_the_backend() -> None:
    """The folder is handed to the builder; markers of extras are split off."""
    asked: list[str] = []

    def build(folder: str) -> BuiltProject:
        asked.append(folder)
        dists = (
            "flask",
            "rich ; extra == 'color'",
            "attrs ; (os_name == 'nt' or os_name == 'x') and extra == \"Color\"",
            "x ; extra == 'b'",
        )
        return BuiltProject(dists, ">=3.8")

    inputs = load({"sub/pyproject.toml": DYNAMIC}, "sub", extras=["color"], builder=build)

    assert asked == ["sub"]
    assert shown(inputs) == [
        "sub/pyproject.toml:3 flask",
        "sub/pyproject.toml:3 rich",
        'sub/pyproject.toml:3 attrs; os_name == "nt" or os_name == "x"',
    ]
    assert inputs.requires_python == ">=3.8"


def test_dynamic_dependencies_in_files_need_no_build() -> None:
    """Setuptools reads them from requirements files; so do we."""
    text = (
        DYNAMIC
        + "[tool.setuptools.dynamic]\ndependencies = {file = 'r.in'}\noptional-dependencies.t = {file = ['t.in']}\n"
    )

    inputs = load(
        {"sub/pyproject.toml": text, "sub/r.in": "flask\n", "sub/t.in": "\npytest\n"},
        "sub/pyproject.toml",
        extras=["t"],
    )

    assert shown(inputs) == ["sub/r.in:1 flask", "sub/t.in:2 pytest"]


def test_static_dependencies_need_no_build_whatever_else_is_dynamic() -> None:
    """Versions mostly are."""
    text = "[project]\nname = 'a'\ndynamic = ['version']\ndependencies = ['flask']\n"

    assert shown(load({"pyproject.toml": text}, "pyproject.toml")) == ["pyproject.toml:4 flask"]


SETUP_CFG = """\
[metadata]
name = app

[options]
python_requires = >=3.8
install_requires =
    flask>=2
    # a comment
    tomli; python_version < '3.11'

[options.extras_require]
Test_All = pytest; rich
"""


def test_setup_cfg_is_read_without_a_build() -> None:
    """Lists by line or by semicolon, as setuptools splits them."""
    inputs = load({"setup.cfg": SETUP_CFG}, "setup.cfg", extras=["test-all"])

    assert shown(inputs) == [
        "setup.cfg:7 flask>=2", 'setup.cfg:9 tomli; python_version < "3.11"', "setup.cfg:12 pytest", "setup.cfg:12 rich",
    ]  # fmt: skip
    assert inputs.requires_python == ">=3.8"


def test_setup_cfg_may_name_a_file() -> None:
    """Setuptools' file: directive."""
    texts = {"setup.cfg": "[options]\ninstall_requires = file: r.in\n", "r.in": "flask\n"}

    assert shown(load(texts, "setup.cfg")) == ["r.in:1 flask"]


def test_a_pyproject_without_project_table_leaves_it_to_setup_cfg() -> None:
    """The usual mixture."""
    texts = {"pyproject.toml": "[build-system]\nrequires = ['setuptools']\n", "setup.cfg": SETUP_CFG}

    assert shown(load(texts, ".", build_requires=True)) == [
        "setup.cfg:7 flask>=2", 'setup.cfg:9 tomli; python_version < "3.11"', "pyproject.toml:2 setuptools",
    ]  # fmt: skip


def test_setup_py_is_asked_through_the_builder() -> None:
    """Never by reading Python."""
    inputs = load(
        {"setup.py": "setup()"}, "setup.py", builder=lambda folder: BuiltProject((f"in{folder.strip('.')}x",))
    )

    assert shown(inputs) == ["setup.py inx"]


SCRIPT = """\
#!/usr/bin/env python
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "rich",
# ]
# ///

# /// other
# ///
import requests
"""


@pytest.mark.parametrize("name", ["run.py", "run"])
def test_a_script_says_what_it_needs(name: str) -> None:
    """PEP 723, whatever the file is called."""
    inputs = load({name: SCRIPT}, name)

    assert shown(inputs) == [f"{name}:5 requests<3", f"{name}:6 rich"]
    assert inputs.requires_python == ">=3.11"


def test_the_end_mark_of_a_block_is_the_last_one() -> None:
    """PEP 723 allows the mark inside, in a multi-line string."""
    text = "# /// script\n# dependencies = ['a']\n# x = '''\n# ///\n# '''\n# ///\n"

    assert shown(load({"run.py": text}, "run.py")) == ["run.py:2 a"]


LOCK = """\
lock-version = "1.0"
requires-python = ">=3.9"
extras = ["x"]
created-by = "test"

[[packages]]
name = "flask"
version = "3.0"
marker = "python_version > '3' and 'x' not in extras"
wheels = [{ url = "https://h.example/flask-3.0-py3-none-any.whl", hashes = { sha256 = "AAA" } }]
sdist = { url = "https://h.example/flask-3.0.tar.gz", hashes = { sha256 = "bbb" } }

[[packages]]
name = "rich"
version = "1"
marker = "'x' in extras"
wheels = [{ url = "https://h.example/rich-1-py3-none-any.whl", hashes = { sha256 = "ccc" } }]

[[packages]]
name = "own"
directory = { path = "../own", editable = true }

[[packages]]
name = "code"
version = "2"
vcs = { type = "git", url = "https://h.example/c.git", commit-id = "abc", subdirectory = "s" }
"""


def test_a_lock_is_a_list_of_pins_with_hashes() -> None:
    """To be locked again, or written in another form."""
    inputs = load({"sub/pylock.toml": LOCK}, "sub/pylock.toml")

    assert [(root.name, root.specifier, root.hashes, root.url) for root in inputs.roots] == [
        ("flask", "==3.0", ("sha256:AAA", "sha256:bbb"), None),
        ("own", "", (), "file:///here/own"),
        ("code", "==2", (), "git+https://h.example/c.git@abc#subdirectory=s"),
    ]
    assert inputs.roots[1].editable
    assert inputs.roots[0].origin.line == 7


def test_the_extras_of_a_lock_choose() -> None:
    """PEP 751's own marker variables are decided when it is read."""
    inputs = load({"pylock.toml": LOCK}, "pylock.toml", extras=["X"])

    assert [root.name for root in inputs.roots if root.marker is None or "<" not in root.marker][:2] == ["rich", "own"]


def test_a_folder_is_searched_in_a_fixed_order() -> None:
    """A pyproject.toml that only configures tools is passed by."""
    texts = {
        "a/pyproject.toml": "[tool.ruff]\n",
        "a/requirements.txt": "x\n",
        "b/requirements.in": "y\n",
        "b/requirements.txt": "z\n",
    }

    assert shown(load(texts, "a", "b")) == ["a/requirements.txt:1 x", "b/requirements.in:1 y"]


def test_an_unknown_extra_is_refused() -> None:
    """A typing error must not lock less."""
    with pytest.raises(RequirementsError, match="there is no extra 'tset'; the extras are: all, color-out, test"):
        load({"pyproject.toml": PROJECT}, "pyproject.toml", extras=["tset"])
