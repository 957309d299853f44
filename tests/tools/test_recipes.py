"""The CI script, the templates that call it, the Dockerfile, and completion in real shells."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.dists import Dist, wheel
from tests.support.index_pages import MODERN
from tests.support.index_server import LoopbackIndex
from tests.support.sandbox import Done, Sandbox

pytestmark = pytest.mark.tools

RECIPES = CHECKOUT / "docs" / "recipes"
SCRIPT = RECIPES / "pipx-parallel-ci.sh"
DEPTH = 8


def chain() -> dict[str, list[Dist]]:
    """Return projects of which each needs the next: what takes a resolver one round trip after the other."""
    return {
        f"link{link}": [wheel(f"link{link}", "1.0", [f"link{link + 1}"] if link < DEPTH else [])]
        for link in range(DEPTH + 1)
    }


@pytest.fixture
def far() -> Iterator[LoopbackIndex]:
    """Serve the chain, with ETags."""
    with LoopbackIndex(chain()) as served:
        yield served


@pytest.fixture
def project(tmp_path: Path, far: LoopbackIndex) -> Sandbox:
    """Return a project with a lock, and an index that has seen no request."""
    sandbox = Sandbox(tmp_path, far.url)
    sandbox.write("requirements.in", "link0\n")
    sandbox.must("pipx-parallel", "lock", "requirements.in")
    far.requests_seen.clear()
    return sandbox


def ci(sandbox: Sandbox, **variables: str) -> Done:
    """Run the script as a fresh machine does: nothing is there but the snapshot."""
    shutil.rmtree(sandbox.folder / ".pipx-parallel" / "mirror", ignore_errors=True)
    return sandbox.run("sh", str(SCRIPT), "requirements.in", **variables)


def test_the_second_run_asks_nothing(project: Sandbox, far: LoopbackIndex) -> None:
    """The mirror came with the snapshot, and is fresh: no round trip is left of those that the first run waited for."""
    first = ci(project)
    asked = len(far.requests_seen)

    second = ci(project)

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert (asked > DEPTH, len(far.requests_seen) - asked) == (True, 0)
    assert "nothing new" in second.err


def test_a_later_run_only_validates(project: Sandbox, far: LoopbackIndex) -> None:
    """Past its lifetime each listing is asked about once, with the tag it had, and nothing is sent again."""
    far.flavour = MODERN._replace(cache_control="no-cache")
    ci(project)
    far.requests_seen.clear()

    second = ci(project)

    assert second.code == 0, second.err
    assert {seen.status for seen in far.requests_seen} == {304}
    assert len(far.requests_seen) == DEPTH + 1


def test_a_stale_lock_is_reported_in_markdown(project: Sandbox) -> None:
    """Exit code 3, the difference in the file and in the summary."""
    project.write("requirements.in", "link1\n")

    done = ci(project, SUMMARY=str(project.folder / "summary.md"))

    assert done.code == 3, done.err
    markdown = project.read(".pipx-parallel/diff.md")
    assert markdown == project.read("summary.md")
    assert "**pylock.toml is out of date.**" in markdown
    assert re.search(r"^\|.*link0", markdown, re.MULTILINE), markdown


def test_what_is_not_available_ends_with_its_code_and_keeps_the_rest(project: Sandbox) -> None:
    """The snapshot is saved all the same: what was fetched is not fetched again."""
    project.write("requirements.in", "link7\nnobody-has-this\n")

    done = ci(project)

    assert done.code == 1, done.err
    assert "could not be checked" in project.read(".pipx-parallel/diff.md")
    assert (project.folder / ".pipx-parallel" / "mirror.snap").stat().st_size > 0


def test_a_damaged_snapshot_is_set_aside(project: Sandbox) -> None:
    """A cache must not be able to break a build."""
    project.write(".pipx-parallel/mirror.snap", "not a snapshot")

    done = ci(project)

    assert done.code == 0, done.err
    assert "cannot be used: starting without it" in done.err


def test_a_folder_can_stand_for_the_snapshot(project: Sandbox, far: LoopbackIndex) -> None:
    """Nothing is packed then."""
    folder = str(project.folder / "kept") + "/"
    ci(project, SNAPSHOT=folder)
    far.requests_seen.clear()

    done = ci(project, SNAPSHOT=folder)

    assert (done.code, far.requests_seen) == (0, [])
    assert not (project.folder / ".pipx-parallel" / "mirror.snap").exists()


def test_the_scripts_pass_shellcheck(sandbox: Sandbox, needs_tool: Callable[..., None]) -> None:
    """The recipe is for any POSIX shell, this project's own CI for bash."""
    needs_tool("shellcheck")

    sandbox.must("shellcheck", "-s", "sh", str(SCRIPT))
    sandbox.must("shellcheck", str(CHECKOUT / ".ci" / "run"))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", CHECKOUT / "action.yml"),
        ("github-workflows", RECIPES / "github-workflow.yml"),
        ("gitlab-ci", RECIPES / "gitlab-ci.yml"),
    ],
    ids=["action", "workflow", "gitlab"],
)
def test_templates_keep_to_their_schemas(
    sandbox: Sandbox, needs_tool: Callable[..., None], schema: str, file: Path
) -> None:
    """The published schemas, as check-jsonschema ships them."""
    needs_tool("check-jsonschema")

    sandbox.must("check-jsonschema", "--builtin-schema", f"vendor.{schema}", str(file))


def test_the_hooks_are_a_manifest(sandbox: Sandbox, needs_tool: Callable[..., None]) -> None:
    """As pre-commit reads it."""
    needs_tool("pre-commit")

    sandbox.must("pre-commit", "validate-manifest", str(CHECKOUT / ".pre-commit-hooks.yaml"))


def test_the_action_runs(sandbox: Sandbox) -> None:
    """Its shell steps with what a runner gives them. Installing and the steps of others are left out."""
    runner = sandbox.folder / "runner"
    runner.mkdir()
    sandbox.write("requirements.in", "textlib\n")
    sandbox.must("pipx-parallel", "lock", "requirements.in")
    given = {
        "RUNNER_TEMP": str(runner), "GITHUB_STEP_SUMMARY": str(runner / "summary"), "GITHUB_OUTPUT": str(runner / "output"),
        "SOURCES": "requirements.in", "LOCK": "pylock.toml",
        "FLAGS": "", "SNAPSHOT": "mirror.snap", "SCRIPT": str(SCRIPT),
    }  # fmt: skip
    steps = run_steps(CHECKOUT / "action.yml")

    for shell in steps.values():
        sandbox.must("bash", "-n", "-c", shell)
    sandbox.must("bash", "-e", "-c", steps["Check the lock"], **given)

    outputs = dict(line.split("=", 1) for line in (runner / "output").read_text().splitlines())
    assert (outputs["code"], outputs["fresh"]) == ("0", "true")
    assert "pylock.toml is up to date" in (runner / "summary").read_text()
    assert (runner / "mirror.snap").exists()
    assert sandbox.run("bash", "-e", "-c", steps["Verdict"], CODE="3").code == 3


def test_the_gitlab_job_runs(sandbox: Sandbox) -> None:
    """Its last script line, with its own variables."""
    shutil.copytree(RECIPES, sandbox.folder / "ci")
    sandbox.write("requirements.in", "textlib\n")
    sandbox.must("pipx-parallel", "lock", "requirements.in")
    text = (RECIPES / "gitlab-ci.yml").read_text(encoding="utf-8")
    variables = dict(re.findall(r"^    ([A-Z_]+): (\S+)", text, re.MULTILINE))
    script = re.search(r'^    - (sh "\$SCRIPT" .*)$', text, re.MULTILINE)
    assert script is not None

    sandbox.must("sh", "-c", script[1], **variables)

    assert (sandbox.folder / ".pipx-parallel" / "mirror.snap").exists()


def test_the_dockerfile_does_what_it_says(sandbox: Sandbox, tmp_path: Path) -> None:
    """Its RUN lines in order, with the image's folders moved below a temporary one.

    The first, which installs the tool, is left out: it is there. (An image is not built: that needs a daemon and a registry.)
    """
    sandbox.write("requirements.in", "textlib\n")
    sandbox.must("pipx-parallel", "lock", "requirements.in")
    root = tmp_path / "image"
    (root / "tool" / "bin").mkdir(parents=True)
    (root / "tool" / "bin" / "pipx-parallel").symlink_to(sandbox.bin / "pipx-parallel")
    (root / "tool" / "bin" / "python").symlink_to(sys.executable)
    text = (RECIPES / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    runs = [re.sub(r"^(--\S+\s+)+", "", line) for line in re.findall(r"^RUN (.*)$", text, re.MULTILINE)]
    assert len(runs) == 4

    for link, line in enumerate(runs[1:], 1):
        command = line.replace("/opt/", f"{root}/")
        command = re.sub(r"(?<!/)\bpython ", f"{sys.executable} ", command)
        command += " --dry-run" * (
            link == len(runs) - 1
        )  # installing is the same script as everywhere, and takes seconds
        done = sandbox.must("sh", "-c", command, PIPX_PARALLEL_MIRROR=str(root / "mirror"))

    assert f"{root}/bundle/wheels" in done.out


def test_bash_completes(sandbox: Sandbox, needs_tool: Callable[..., None]) -> None:
    """Commands, options, their values, and files, in real bash."""
    needs_tool("bash")
    sandbox.write("requirements.in", "")
    script = """
        eval "$(pipx-parallel completion bash)"
        complete -p pipx-parallel >/dev/null
        ask() {
            COMPREPLY=() COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _pipx_parallel_completion pipx-parallel
            echo "${COMPREPLY[*]}"
        }
        ask pipx-parallel lo
        ask pipx-parallel mirror st
        ask pipx-parallel lock --resoluti
        ask pipx-parallel lock --resolution low
    """

    done = sandbox.must("bash", "--norc", "-e", "-c", script)

    assert done.out.splitlines() == ["lock", "status", "--resolution", "lowest lowest-direct"]
    asked = sandbox.run(
        "pipx-parallel", _PIPX_PARALLEL_COMPLETE="bash_complete", COMP_WORDS="pipx-parallel lock req", COMP_CWORD="2"
    )
    assert asked.out == "file,req\n"


def test_zsh_completes(sandbox: Sandbox, needs_tool: Callable[..., None]) -> None:
    """Somebody types part of a command and the tabulator key, in a real, interactive zsh."""
    needs_tool("zsh")
    sandbox.write(
        "home/.zshrc", 'autoload -Uz compinit && compinit -u -D\neval "$(pipx-parallel completion zsh)"\nPS1=ready:\n'
    )
    script = r"""
        zmodload zsh/zpty
        zpty -b shell 'ZDOTDIR="$PWD/home" TERM=dumb zsh -i'
        zpty -r -m shell seen '*ready:*'
        zpty -w -n shell $'pipx-parallel insp\t'
        zpty -r -m shell seen '*inspect*'
        print -r -- completed
    """

    assert sandbox.must("zsh", "-f", "-c", script).out == "completed\n"


def test_fish_completes(sandbox: Sandbox, needs_tool: Callable[..., None]) -> None:
    """Real fish gives the candidates with their help."""
    needs_tool("fish")

    done = sandbox.must(
        "fish", "--no-config", "-c", 'pipx-parallel completion fish | source; complete -C "pipx-parallel lo"'
    )

    assert done.out.startswith("lock\tResolve requirements")


def test_a_shell_that_is_not_known_is_refused(sandbox: Sandbox) -> None:
    """Exit code 2, with those that are."""
    done = sandbox.run("pipx-parallel", "completion", "tcsh")

    assert (done.code, done.out) == (2, "")
    assert "bash, zsh, fish or powershell" in done.err


def run_steps(action: Path) -> dict[str, str]:
    """Return the shell of every step of a composite action that has some, by name."""
    from ruamel.yaml import YAML  # check-jsonschema brings it

    table = YAML(typ="safe").load(action.read_text(encoding="utf-8"))
    return {step["name"]: step["run"] for step in json.loads(json.dumps(table))["runs"]["steps"] if "run" in step}
