"""A lock becomes an extra of a wheel: projects of each kind, built by real setuptools through real ``build`` and ``pip``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project_builder import Done, ProjectBuilder

KINDS = ("pyproject", "setup_cfg", "setup_py")
PINS = ("alpha==1.4", "beta==2.1", "gamma-core==0.9")
LOCKED = [
    *(f'{pin}; extra == "locked"' for pin in PINS),
    'winonly==3.0; (sys_platform == "nowhere" or os_name == "never") and extra == "locked"',
]
OWN = ["alpha>=1", "Beta<3,>=2", 'winonly; sys_platform == "nowhere"', 'alpha>=1.2; extra == "own"']
HEAD = """\
[build-system]
requires = ["setuptools>=77", "pipx-parallel"]
build-backend = "setuptools.build_meta"

[project]
name = "app"
version = "1.0"
"""
DEPENDENCIES = 'dependencies = ["alpha>=1", "beta>=2,<3"]\n'
TABLE = "\n[tool.pipx-parallel.setuptools]\n"


def _requires(done: Done) -> list[str]:
    assert done.status == 0, done.output
    return done.metadata().get_all("Requires-Dist", [])


@pytest.mark.parametrize("kind", KINDS)
def test_the_wheel_from_the_sdist_has_the_lock_as_an_extra(builder: ProjectBuilder, kind: str) -> None:
    """METADATA shows every pin with its marker beside what the project says itself, and the lock travels in the sdist."""
    done = builder.build(builder.project(kind))

    assert sorted(_requires(done)) == sorted([*OWN, *LOCKED])
    assert done.metadata().get_all("Provides-Extra") == ["own", "locked"]
    assert "pylock.toml" in done.sdist_names()


@pytest.mark.parametrize("kind", KINDS)
def test_an_editable_install_has_the_extra(builder: ProjectBuilder, kind: str) -> None:
    """PEP 660: the editable wheel's METADATA is no different."""
    tree = builder.project(kind)
    (out := builder.folder / "out").mkdir()

    done = builder.python("-c", f"from setuptools import build_meta as b; b.build_editable({str(out)!r})", folder=tree)

    assert sorted(_requires(Done(done.returncode, done.stderr, out))) == sorted([*OWN, *LOCKED])


@pytest.mark.parametrize("kind", KINDS)
def test_pip_installs_exactly_the_lock(builder: ProjectBuilder, wheelhouse: Path, kind: str) -> None:
    """Real pip, with newer releases available, takes what was locked."""
    wheel = next(builder.build(builder.project(kind), "--wheel").out.glob("*.whl"))
    target = builder.folder / "installed"
    command = ["-m", "pip", "install", "-q", "--no-index", "--find-links", str(wheelhouse), "--target", str(target)]

    done = builder.python(*command, f"{wheel}[locked]", folder=builder.folder)

    assert done.returncode == 0, done.stderr
    names = sorted(path.name.removesuffix(".dist-info") for path in target.glob("*.dist-info"))
    assert names == ["alpha-1.4", "app-1.0", "beta-2.1", "gamma_core-0.9"]


@pytest.mark.tools
def test_pipx_installs_exactly_the_lock(builder: ProjectBuilder, wheelhouse: Path) -> None:
    """Real pipx, which asks uv where uv is there."""
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    pipx = shutil.which("pipx", path=tools)
    if pipx is None or shutil.which("uv", path=tools) is None:
        pytest.skip("pipx and uv are not installed")
    script = '[project.scripts]\nrun-alpha = "alpha:main"\n'
    tree = builder.project("pyproject", pyproject_toml=HEAD + DEPENDENCIES + script + TABLE)
    wheel = next(builder.build(tree, "--wheel").out.glob("*.whl"))
    home = builder.folder / "pipx"
    offline = {
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(wheelhouse),
        "UV_CACHE_DIR": str(home / "uv"),
        "UV_NO_CONFIG": "1",
    }
    folders = {
        "PIPX_HOME": str(home),
        "PIPX_BIN_DIR": str(home / "bin"),
        "PIPX_MAN_DIR": str(home / "man"),
        "PATH": tools,
    }

    done = subprocess.run(
        [pipx, "install", "--backend", "uv", f"{wheel}[locked]"],
        env={**os.environ, **offline, **folders},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    names = sorted(path.name.removesuffix(".dist-info") for path in (home / "venvs").rglob("*.dist-info"))
    assert names == ["alpha-1.4", "app-1.0", "beta-2.1", "gamma_core-0.9"]


def test_pip_wheel_builds_with_the_extra(builder: ProjectBuilder) -> None:
    """``pip wheel .`` is another front end to the same hooks."""
    tree = builder.project("pyproject")
    out = builder.folder / "out"

    done = builder.python(
        "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), ".", folder=tree
    )

    assert LOCKED[0] in _requires(Done(done.returncode, done.stderr, out))


def test_the_pins_can_be_the_dependencies(builder: ProjectBuilder) -> None:
    """With ``dependencies = true`` the pins stand where the project's own ranges stood, and no extra is added."""
    tree = builder.project("pyproject", pyproject_toml=HEAD + DEPENDENCIES + TABLE + "dependencies = true\n")

    done = builder.build(tree)

    assert _requires(done) == [*PINS, 'winonly==3.0; sys_platform == "nowhere" or os_name == "never"']
    assert done.metadata().get_all("Provides-Extra") is None


@pytest.mark.parametrize("field", ["dependencies", "optional-dependencies"])
def test_a_field_that_is_declared_dynamic_works_alike(builder: ProjectBuilder, field: str) -> None:
    """PEP 621 to the letter: who wants to can say that the extra comes from elsewhere."""
    head = HEAD + f'dynamic = ["{field}"]\n' + (DEPENDENCIES if field != "dependencies" else "")
    tree = builder.project("pyproject", pyproject_toml=head + TABLE + "extra = 'frozen'\n")

    done = builder.build(tree, "--wheel")

    assert 'alpha==1.4; extra == "frozen"' in _requires(done)


def test_groups_become_extras_of_their_own(builder: ProjectBuilder) -> None:
    """One extra for each configured lock, and none called ``locked`` unless there is a lock for it."""
    lock = _release("tester", "7.0")
    table = TABLE + 'groups = { test = "locks/pylock.test.toml" }\n'
    tree = builder.project("pyproject", pyproject_toml=HEAD + DEPENDENCIES + table)
    (tree / "locks").mkdir()
    (tree / "locks" / "pylock.test.toml").write_text(lock, encoding="utf-8")

    done = builder.build(tree)

    assert [line for line in _requires(done) if "extra" in line] == ['tester==7.0; extra == "test"']
    assert "locks/pylock.test.toml" in done.sdist_names()


def test_the_sdist_says_that_both_fields_are_dynamic(builder: ProjectBuilder) -> None:
    """PEP 643: a switch can change them, so a reader of the sdist must not take them for granted."""
    tree = builder.project("pyproject")
    assert builder.build(tree, "--sdist").status == 0

    text = next(tree.rglob("PKG-INFO")).read_text(encoding="utf-8")

    assert "Dynamic: requires-dist\n" in text
    assert "Dynamic: provides-extra\n" in text


@pytest.mark.parametrize("value", ["0", "false", "OFF"])
def test_an_environment_variable_turns_it_off(builder: ProjectBuilder, value: str) -> None:
    """What the project says by itself is what is built, even if the lock is missing: so a lock never feeds the next one."""
    tree = builder.project("pyproject")
    (tree / "pylock.toml").unlink()

    done = builder.build(tree, "--wheel", PIPX_PARALLEL_SETUPTOOLS=value)

    assert sorted(_requires(done)) == sorted(OWN)


def _package(name: str, more: str) -> str:
    return f'lock-version = "1.0"\ncreated-by = "a tool"\n[[packages]]\nname = "{name}"\n{more}\n'


def _release(name: str, version: str, more: str = "") -> str:
    url = f"https://index.example/{name}-{version}.tar.gz"
    return _package(name, f'version = "{version}"\nsdist = {{ url = "{url}", hashes = {{ sha256 = "ff" }} }}\n{more}')


@pytest.mark.parametrize(
    ("lock", "table", "message"),
    [
        (None, "", "the lock pylock.toml is missing; make it with: pipx-parallel lock -o pylock.toml"),
        ("= nonsense", "", "pylock.toml is not a lock file: "),
        ('[project]\nname = "x"', "", "pylock.toml is not a valid lock file (PEP 751): "),
        (_package("alpha", "marker = 3"), "", "in 'packages[0].marker'"),
        (
            'lock-version = "2.0"\ncreated-by = "a"\npackages = []',
            "",
            "pylock.toml has lock-version 2.0; only 1.x can be read",
        ),
        (
            _release("other", "1.0"),
            "",
            "pylock.toml is the lock of another project: it pins none of the dependencies (alpha>=1",
        ),
        (_release("app", "1.0"), "", "pylock.toml is the lock of another project: it pins app itself"),
        (_release("alpha", "1.4"), "", "pylock.toml is out of date: beta<3,>=2 has no pin"),
        (_release("alpha", "0.9"), "", "out of date: beta<3,>=2 has no pin; alpha>=1 is pinned to 0.9"),
        (_package("alpha", 'directory = { path = "../alpha" }'), "", "alpha is locked from a local path"),
        (_package("alpha", ""), "", "in 'packages[0]'"),
        (
            _release("alpha", "1", "marker = \"'x' in extras\""),
            "",
            "pylock.toml is the lock of another project: it pins none of the dependencies (alpha>=1",
        ),
        (
            _release("alpha", "1", "[tool.pipx-parallel]\nmissing = [{ name = 'beta' }]"),
            "",
            "it was locked without beta",
        ),
        ("", "lock = '../pylock.toml'\n", "the lock '../pylock.toml' must be a path inside the project"),
        ("", "lock = 3\n", "lock must be a string, not 3"),
        ("", "locks = 'x'\n", "has no setting 'locks' (it has lock, extra, dependencies, groups)"),
        ("", "extra = 'a b'\n", "'a b' is not a valid name of an extra"),
        ("", "groups = { Locked = 'a', locked = 'b' }\n", "the extra 'locked' is named twice"),
    ],
)
def test_a_lock_that_cannot_be_used_is_one_clear_error(
    builder: ProjectBuilder, lock: str | None, table: str, message: str
) -> None:
    """One sentence, no traceback of ours, no wheel; it also says how to build without the lock."""
    tree = builder.project("pyproject", pyproject_toml=HEAD + DEPENDENCIES + TABLE + table)
    (tree / "pylock.toml").unlink()
    if lock is not None:
        (tree / "pylock.toml").write_text(lock, encoding="utf-8")

    done = builder.build(tree, "--wheel")

    assert done.status != 0
    (line,) = [line for line in done.output.splitlines() if line.startswith("error: pipx-parallel: ")]
    assert message in line
    assert line.endswith("(PIPX_PARALLEL_SETUPTOOLS=0 builds without the lock)")
    assert "setuptools_plugin.py" not in done.output
    assert not list(done.out.glob("*.whl"))


@pytest.mark.parametrize("name", ["locked", "Locked"])
def test_an_extra_of_the_project_is_never_replaced(builder: ProjectBuilder, name: str) -> None:
    """Two meanings of one name would be a trap, however it is spelled (PEP 685)."""
    extras = f'[project.optional-dependencies]\n{name} = ["alpha"]\n'
    tree = builder.project("pyproject", pyproject_toml=HEAD + DEPENDENCIES + extras + TABLE)

    done = builder.build(tree, "--wheel")

    assert f"the project already has an extra {name!r}; name another" in done.output
    assert done.status != 0


def test_a_project_without_the_table_pays_nothing(builder: ProjectBuilder) -> None:
    """Neither its distribution nor the modules that are loaded tell that the plugin is installed."""
    tree = builder.project("pyproject", pyproject_toml=HEAD + DEPENDENCIES + "[tool.pipx-parallel]\nextra = []\n")
    probe = (
        "import sys; from setuptools import Distribution; d = Distribution(); d.parse_config_files();"
        "print(sorted(m for m in sys.modules if m.partition('.')[0] in ('pipx_parallel', 'mirror')), dict(d.extras_require),"
        "'parse_config_files' in vars(d))"
    )

    done = builder.python("-c", probe, folder=tree)

    assert done.stdout.strip() == "['pipx_parallel', 'pipx_parallel.setuptools_plugin'] {} False", done.stderr


def test_a_build_with_the_table_loads_no_network_and_no_mirror(builder: ProjectBuilder) -> None:
    """The plugin reads two files; an HTTP stack, a store or a resolver would be a mistake."""
    probe = (
        "import sys; from setuptools import Distribution; d = Distribution(); d.parse_config_files();"
        "heavy = {'mirror', 'requests', 'requests_cache', 'pycurl', 'urllib3', 'aiohttp', 'click', 'diskcache', 'msgspec'};"
        "names = {m.partition('.')[0] for m in sys.modules};"
        "print(sorted(names & heavy),"
        "sorted(m for m in sys.modules if m.startswith('pipx_parallel.')), len(d.extras_require['locked']))"
    )

    done = builder.python("-c", probe, folder=builder.project("pyproject"))

    names = ("errors", "locks", "locks.locked_extra", "locks.selection", "setuptools_plugin")
    ours = str([f"pipx_parallel.{name}" for name in names])
    assert done.stdout.strip() == f"[] {ours} 4", done.stderr


def test_reading_the_configuration_twice_changes_nothing(builder: ProjectBuilder) -> None:
    """Some tools do; the second time must not take our extra for the project's own."""
    probe = (
        "from setuptools import Distribution; d = Distribution(); d.parse_config_files(); d.parse_config_files();"
        "print(sorted(d.extras_require), len(d.extras_require['locked']))"
    )

    done = builder.python("-c", probe, folder=builder.project("setup_cfg"))

    assert done.stdout.strip() == "['locked', 'own'] 4", done.stderr
