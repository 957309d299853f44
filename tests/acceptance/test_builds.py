"""Releases that only their build backend knows: built once, in parallel, isolated; refused where the user says so."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from random import Random

import pytest

from tests.support.dists import Dist, sdist, tarred, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, check_refused, locked


def test_a_release_is_built_once(workspace: Workspace, index: LoopbackIndex) -> None:
    """Its needs are learned by a build, kept by the hash of the source, and known offline."""
    index.publish("dyn", sdist("dyn", "1.0", ["lib<2"], static=False))

    assert locked(workspace, "dyn") == {"dyn": "1.0", "lib": "1.0"}
    first = workspace.packages()
    fetched = len(index.paths("/files/dyn/*"))
    assert locked(workspace, "dyn") == {"dyn": "1.0", "lib": "1.0"}
    assert len(index.paths("/files/dyn/*")) == fetched
    workspace.environment["PATH"] = "/nonexistent"
    assert locked(workspace, "dyn", flags=["--offline", "--no-build"]) == {"dyn": "1.0", "lib": "1.0"}
    assert workspace.packages() == first


def test_a_static_project_table_spares_the_build(workspace: Workspace, index: LoopbackIndex) -> None:
    """PEP 621: what a pyproject.toml says and does not call dynamic is true of every wheel."""
    text = b'[project]\nname = "old"\nversion = "1.0"\ndependencies = ["lib<2"]\n[build-system]\nrequires = ["no-such-thing"]\n'
    info = b"Metadata-Version: 2.1\nName: old\nVersion: 1.0\n\n"
    body = tarred({"old-1.0/PKG-INFO": info, "old-1.0/pyproject.toml": text})
    index.publish("old", Dist("old", "1.0", "old-1.0.tar.gz", body, info, sidecar="none"))

    assert locked(workspace, "old", flags=["--no-build"]) == {"lib": "1.0", "old": "1.0"}


def test_no_build_names_what_it_refuses(workspace: Workspace, index: LoopbackIndex) -> None:
    """Nothing is run; the release is named."""
    index.publish("dyn", sdist("dyn", "1.0", ["lib"], static=False))

    check_refused(workspace, workspace.lock("dyn", flags=["--no-build"]), 1, "dyn-1.0.tar.gz", "--no-build")


def test_only_binary_takes_an_older_wheel(workspace: Workspace, index: LoopbackIndex) -> None:
    """As in pip: source archives are not there."""
    index.publish("dyn", wheel("dyn", "0.9"), sdist("dyn", "1.0", ["lib"], static=False))

    assert locked(workspace, "dyn", flags=["--only-binary", ":all:"]) == {"dyn": "0.9"}


def test_no_binary_builds_what_has_a_wheel(workspace: Workspace, index: LoopbackIndex) -> None:
    """As in pip: wheels are not there."""
    index.publish("dyn", wheel("dyn", "1.0"), sdist("dyn", "1.0", ["base"], static=False))

    assert locked(workspace, "dyn", flags=["--no-binary", "dyn"]) == {"base": "1.0", "dyn": "1.0"}


def test_what_a_backend_needs_is_installed_from_the_same_index(workspace: Workspace, index: LoopbackIndex) -> None:
    """In an environment of its own; credentials and options are those of the lock."""
    index.publish("dyn", sdist("dyn", "1.0", ["lib<2"], static=False, build_requires=["base"]))

    assert locked(workspace, "dyn") == {"dyn": "1.0", "lib": "1.0"}
    assert index.paths("/files/base/*")


def test_pip_is_started_only_for_build_requirements_without_a_wheel(workspace: Workspace, index: LoopbackIndex) -> None:
    """Wheels are found by the resolver and unpacked; what has a source archive alone is installed by pip."""
    index.publish("tool", wheel("tool", "1.0", ["helper"]), wheel("tool", "2.0"))
    index.publish("helper", wheel("helper", "1.0"))
    index.publish("dyn", sdist("dyn", "1.0", ["lib<2"], static=False, build_requires=["tool<2"]))

    def by_pip() -> bool:
        return any(seen.headers.get("user-agent", "").startswith("pip/") for seen in index.requests_seen)

    assert locked(workspace, "dyn") == {"dyn": "1.0", "lib": "1.0"}
    assert index.paths("/files/helper/helper-1.0-py3-none-any.whl")
    assert not index.paths("/files/tool/tool-2.0*")
    assert not by_pip()

    index.publish("raw", sdist("raw", "1.0"))
    index.publish("later", sdist("later", "1.0", ["lib<2"], static=False, build_requires=["raw"]))
    assert locked(workspace, "later") == {"later": "1.0", "lib": "1.0"}
    assert by_pip()


def test_what_many_builds_need_is_fetched_once(workspace: Workspace, index: LoopbackIndex) -> None:
    """Six projects with different build requirements share a tool: its page and its wheel are asked for once, not six times."""
    index.publish("tool", wheel("tool", "1.0"))
    names = [f"dyn{number}" for number in range(6)]
    for name in names:
        index.publish(f"helper-{name}", wheel(f"helper-{name}", "1.0"))
        index.publish(name, sdist(name, "1.0", static=False, build_requires=["tool", f"helper-{name}"]))

    assert locked(workspace, *names) == dict.fromkeys(names, "1.0")
    assert len(index.paths("/simple/tool/")) == 1
    assert len(index.paths("/files/tool/tool-1.0-py3-none-any.whl")) == 1


def test_few_releases_of_a_history_are_built(workspace: Workspace, index: LoopbackIndex) -> None:
    """The newest release before a bound begins is found; of its neighbours few are built."""
    old = [sdist("hist", f"1.{minor}", ["bound"], static=False) for minor in range(12)]
    held = [sdist("hist", f"1.{minor}", ["bound<2"], static=False) for minor in range(12, 30)]
    index.publish("hist", *old, *held, *(wheel("hist", f"2.{minor}", ["bound<2"]) for minor in range(20)))
    index.publish("bound", wheel("bound", "1.0"), wheel("bound", "2.0"))

    ran = workspace.lock("hist", "bound>=2")
    assert ran.code == 0, ran.err
    assert workspace.pins() == {"bound": "2.0", "hist": "1.11"}
    assert ran.err.count("building hist ") <= 11
    assert "hist 2.19 needs bound<2" in ran.err


def test_a_release_whose_build_fails_is_no_answer(workspace: Workspace, index: LoopbackIndex) -> None:
    """Where all else is excluded, the old releases are built; each of them fails, and there is no lock."""
    old = [sdist("hist", f"1.{minor}", static=False, broken=True) for minor in range(3)]
    index.publish("hist", *old, *(wheel("hist", f"2.{minor}", ["bound<2"]) for minor in range(20)))
    index.publish("bound", wheel("bound", "1.0"), wheel("bound", "2.0"))

    check_refused(workspace, workspace.lock("hist", "bound>=2", "lib"), 1, "hist 1.2 cannot be used: its build failed")


def test_a_failed_build_shows_its_log(workspace: Workspace, index: LoopbackIndex) -> None:
    """The end of it, and where the whole is; nothing is written."""
    index.publish("dyn", sdist("dyn", "1.0", ["lib"], static=False, broken=True))

    ran = workspace.lock("dyn")

    assert ran.code == 1
    assert "dyn-1.0.tar.gz: the build backend in_tree failed" in ran.err
    assert "this package never builds" in ran.err
    assert "Traceback" not in ran.err.partition("this package")[0].partition("log:")[0]
    log = ran.err.partition("the whole log: ")[2].partition(")")[0]
    assert "this package never builds" in Path(log).read_text(encoding="utf-8")
    assert not (workspace.folder / "pylock.toml").exists()


def test_a_build_that_hangs_is_given_up(workspace: Workspace, index: LoopbackIndex) -> None:
    """After --build-timeout."""
    info = b"Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n\n"
    backend = b"import time\ntime.sleep(60)\n"
    text = b'[build-system]\nrequires = []\nbuild-backend = "in_tree"\nbackend-path = ["."]\n'
    files = {"slow-1.0/PKG-INFO": info, "slow-1.0/pyproject.toml": text, "slow-1.0/in_tree.py": backend}
    index.publish("slow", Dist("slow", "1.0", "slow-1.0.tar.gz", tarred(files), info, sidecar="none"))

    check_refused(
        workspace,
        workspace.lock("slow", flags=["--build-timeout", "1.5"]),
        1,
        "slow-1.0.tar.gz",
        "given up after 1.5 seconds",
    )


def test_settings_of_a_requirement_reach_its_backend(workspace: Workspace) -> None:
    """A key that is given twice has a list, as pip passes it."""
    folder = workspace.folder / "conf"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "in_tree"\nbackend-path = ["."]\n', encoding="utf-8"
    )
    (folder / "in_tree.py").write_text(
        "import os\n\n"
        "def prepare_metadata_for_build_wheel(folder, config_settings=None):\n"
        "    os.mkdir(folder + '/conf-1.0.dist-info')\n"
        "    needs = ''.join(f'Requires-Dist: {one}\\n' for one in [config_settings['one'], *config_settings['two']])\n"
        "    with open(folder + '/conf-1.0.dist-info/METADATA', 'w') as file:\n"
        "        file.write('Metadata-Version: 2.1\\nName: conf\\nVersion: 1.0\\n' + needs + '\\n')\n"
        "    return 'conf-1.0.dist-info'\n",
        encoding="utf-8",
    )
    settings = [f"--config-settings={pair}" for pair in ("one=app", "two=lib", "two=base")]

    ran = workspace.lock(f"./conf {' '.join(settings)}")

    assert ran.code == 0, ran.err
    assert {package["name"] for package in workspace.packages()} >= {"conf", "app", "lib", "base"}


def test_an_archive_that_leads_out_is_refused(workspace: Workspace, index: LoopbackIndex, tmp_path: Path) -> None:
    """Nothing is written outside the folder of the build."""
    info = b"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n\n"
    body = tarred({"evil-1.0/PKG-INFO": info, "evil-1.0/setup.py": b"", f"../../../../../..{tmp_path}/out": b"x"})
    index.publish("evil", Dist("evil", "1.0", "evil-1.0.tar.gz", body, info, sidecar="none"))

    ran = workspace.lock("evil")

    assert ran.code == 1
    assert "cannot be unpacked" in ran.err
    assert not (tmp_path / "out").exists()


def test_without_isolation_the_running_python_builds(workspace: Workspace, index: LoopbackIndex) -> None:
    """Nothing is installed: what the backend needs must be here."""
    index.publish("dyn", sdist("dyn", "1.0", ["lib<2"], static=False, build_requires=["not-there"]))

    assert locked(workspace, "dyn", flags=["--no-build-isolation"]) == {"dyn": "1.0", "lib": "1.0"}
    assert sys.executable


def test_many_are_built_side_by_side(workspace: Workspace, index: LoopbackIndex) -> None:
    """Speculation asks for all of them before the solver waits for one."""
    for number in range(5):
        index.publish(f"dyn{number}", sdist(f"dyn{number}", "1.0", ["base"], static=False))

    assert len(locked(workspace, *[f"dyn{number}" for number in range(5)])) == 6


def test_a_project_with_dynamic_dependencies_is_asked(workspace: Workspace) -> None:
    """``pyproject.toml`` as a source: what it leaves to its backend comes from there, and offline from the mirror."""
    made = sdist("mine", "1.0", ["lib<2"], static=False)
    with tarfile.open(fileobj=io.BytesIO(made.body)) as archive:
        reader = archive.extractfile("mine-1.0/in_tree.py")
        assert reader is not None
        (workspace.folder / "in_tree.py").write_bytes(reader.read())
    text = '[project]\nname = "mine"\nversion = "1.0"\ndynamic = ["dependencies"]\n'
    workspace.write(
        "pyproject.toml", text + '[build-system]\nrequires = []\nbuild-backend = "in_tree"\nbackend-path = ["."]\n'
    )

    ran = workspace.run("lock", "pyproject.toml", "-o", "pylock.toml")
    assert ran.code == 0, ran.err
    assert workspace.pins() == {"lib": "1.0"}
    workspace.write("in_tree.py", "raise SystemExit('not again')\n")
    assert workspace.run("lock", "pyproject.toml", "-U", "-o", "pylock.toml", "--offline").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is in /proc")
def test_a_large_source_archive_is_never_whole_in_memory(workspace: Workspace, index: LoopbackIndex) -> None:
    """Fetched, checked and unpacked in pieces: 32 MB more of it are not 32 MB more of memory."""
    peaks = []
    for name, padding in (("little", 1), ("large", 32_000_000)):
        made = sdist(name, "1.0", ["lib<2"], static=False)
        files = {f"{name}-1.0/padding.bin": Random(1).randbytes(padding)}  # noqa: S311 - not secret
        with tarfile.open(fileobj=io.BytesIO(made.body)) as archive:
            for member in archive:
                stream = archive.extractfile(member)
                if stream is not None:
                    files[member.name] = stream.read()
        index.publish(name, made._replace(body=tarred(files)))
        workspace.write("r.txt", f"{name}\n")
        process = workspace.start("lock", "r.txt", "-o", f"pylock.{name}.toml")
        peak = 0
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            peak = max(peak, int(status.partition("VmHWM:")[2].split()[0]) if "VmHWM:" in status else 0)
            time.sleep(0.02)
        errors = process.communicate()[1]
        assert process.returncode == 0, errors
        peaks.append(peak)

    assert peaks[1] < peaks[0] + 16_000  # kB


def reporting(lines: str) -> Dist:
    """Return a source archive whose backend runs these lines, then asks for lib."""
    backend = f"""
import os, socket
def get_requires_for_build_wheel(config_settings=None):
    return []
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    needs = []
{lines}
    os.mkdir(os.path.join(folder, "dyn-1.0.dist-info"))
    with open(os.path.join(folder, "dyn-1.0.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: dyn\\nVersion: 1.0\\n" + "".join(f"Requires-Dist: {{n}}\\n" for n in needs))
    return "dyn-1.0.dist-info"
"""
    project = b'[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    info = b"Metadata-Version: 2.1\nName: dyn\nVersion: 1.0\n\n"
    files = {"dyn-1.0/PKG-INFO": info, "dyn-1.0/pyproject.toml": project, "dyn-1.0/own.py": backend.encode()}
    return Dist("dyn", "1.0", "dyn-1.0.tar.gz", tarred(files), info, sidecar="none")


def test_a_backend_without_network(workspace: Workspace, index: LoopbackIndex) -> None:
    """It reaches the index only without the option; what is learned with the network is not given for what is learned without."""
    if subprocess.run(["unshare", "--user", "--map-current-user", "--net", "true"], check=False).returncode:
        pytest.skip("this system makes no network namespaces")
    host, _, port = index.root.removeprefix("http://").partition(":")
    index.publish("dyn", reporting(f"""
    try:
        socket.create_connection(({host!r}, {port}), 5).close()
        needs.append("lib<2")
    except OSError:
        pass
"""))  # fmt: skip

    assert locked(workspace, "dyn", flags=["--no-build-network"]) == {"dyn": "1.0"}
    assert locked(workspace, "dyn") == {"dyn": "1.0", "lib": "1.0"}


def test_a_network_namespace_that_cannot_be_made_is_an_error(workspace: Workspace) -> None:
    """At once and with a remedy, not as a failure of each build."""
    workspace.environment["PATH"] = "/nonexistent"

    check_refused(
        workspace, workspace.lock("lib", flags=["--no-build-network"]), 2, "--no-build-network", "leave it out"
    )


@pytest.mark.parametrize(
    ("flags", "pins"), [([], {"dyn": "1.0"}), (["--build-env", "OWN_SETTING"], {"dyn": "1.0", "lib": "1.0"})]
)
def test_a_variable_is_passed_to_backends(
    workspace: Workspace, index: LoopbackIndex, flags: list[str], pins: dict[str, str]
) -> None:
    """Only one that is named."""
    index.publish("dyn", reporting("    needs.extend(['lib<2'] if os.environ.get('OWN_SETTING') == 'a' else [])"))
    workspace.environment["OWN_SETTING"] = "a"

    assert locked(workspace, "dyn", flags=flags) == pins


def test_a_variable_with_a_value_is_refused(workspace: Workspace) -> None:
    """It would be a name that no variable has."""
    check_refused(workspace, workspace.lock("lib", flags=["--build-env", "NAME=a"]), 2, "--build-env", "NAME=a")


def test_settings_of_pip_for_other_installs_change_no_build(
    workspace: Workspace, index: LoopbackIndex, tmp_path: Path
) -> None:
    """Its variables and its configuration, which say where the user's own packages go."""
    index.publish("tool", wheel("tool", "1.0"))
    index.publish("dyn", sdist("dyn", "1.0", ["lib<2"], static=False, build_requires=["tool"]))
    workspace.environment |= {"PIP_TARGET": str(tmp_path / "t"), "PIP_REQUIREMENT": "/nothing", "PIP_DRY_RUN": "1"}
    config = tmp_path / "pip.conf"
    config.write_text(f"[install]\nuser = true\nprefix = {tmp_path / 'p'}\n[global]\ntarget = {tmp_path / 't'}\n")
    workspace.environment["PIP_CONFIG_FILE"] = str(config)

    assert locked(workspace, "dyn") == {"dyn": "1.0", "lib": "1.0"}
    assert not (tmp_path / "t").exists()
