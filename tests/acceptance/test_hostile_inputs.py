"""Inputs that mean harm or are damaged, locks, projects and lists: a documented code, no traceback, bounded time and memory."""

from __future__ import annotations

import copy
import json
import os
import random
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.test_hostile_generated import TEXTS, mangled_bytes
from tests.acceptance.test_hostile_published import changed_value
from tests.support.dists import wheel
from tests.support.forked import preload, ran
from tests.support.index_server import LoopbackIndex
from tests.support.scale import scaled
from tests.support.workspace import Workspace

SAMPLE = 40
CASES = scaled(SAMPLE, 4000)
FIRST = int(os.environ.get("PIPX_PARALLEL_FIRST", "0"))
SETTINGS = {"PIPX_PARALLEL_OFFLINE": "1", "PIPX_PARALLEL_DEBUG": "1"}
LONGEST, LARGEST = 5.0, 300  # CPU seconds and MB of a command, beside what this process has
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="commands run in forks")

UV_LOCK = """version = 1
requires-python = ">=3.11"

[[package]]
name = "p0"
version = "1.0"
source = { registry = "https://index.example/simple" }
dependencies = [{ name = "p1", marker = "python_version > '3'" }]
wheels = [{ url = "https://index.example/p0-1.0-py3-none-any.whl", hash = "sha256:00", size = 1 }]

[[package]]
name = "project"
version = "0"
source = { virtual = "." }
"""
PROJECT = """[project]
name = "project"
version = "0"
requires-python = ">=3.11"
license = { text = "MIT" }
dependencies = ["p0>=1; python_version > '3'", "p1[more]"]

[project.optional-dependencies]
more = ["p2"]

[dependency-groups]
lint = ["p3", { include-group = "base" }]
base = ["p2"]

[tool.pipx-parallel]
conflicts = [[{ extra = "more" }, { group = "lint" }]]


[tool.pipx-parallel.policy]
deny = ["evil"]
licences = { deny = ["GPL-*"], unknown = "allow" }
yanked = "refuse"

[[tool.pipx-parallel.policy.exceptions]]
package = "p0"
rules = ["yanked"]
until = 2126-12-31
reason = "why"
"""
LIST = (
    "p0>=1 ; python_version > '3' and (os_name == 'posix' or extra == 'x')\np1[more]==1.0 \\\n  --hash=sha256:"
    + "0" * 64
    + "\n"
)
COMMANDS = {
    "pylock.toml": ("lock {} -o pylock.out.toml",
                    "tree {}", "audit {}", "outdated {}", "why p1 {}", "inspect {}", "lock p0.txt -o {}",
                    "lock {} -o out.txt", "lock {} --check", "lock p0.txt -o {} --diff --check", "lock {} -o out.cdx.json"),
    "uv.lock": ("audit {}", "outdated {}", "lock {}", "tree {}"),
    "pyproject.toml": ("lock {} -o pylock.out.toml", "lock -o pylock.out.toml --all-extras --all-groups", "inspect {}", "tree {}"),
    "list.txt": ("lock {} -o pylock.out.toml", "inspect {}", "tree {}", "audit {}", "resolve {}"),
    "locked.json": ("audit {}", "outdated {}", "lock p0.txt -o {}", "tree {}"),
}  # fmt: skip


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve a chain of projects."""
    projects = {
        f"p{number}": [
            wheel(f"p{number}", f"1.{minor}", [f"p{number + 1}"] if number < 4 else [], {"more": ["p4"]})
            for minor in range(2)
        ]
        for number in range(5)
    }
    with LoopbackIndex(projects) as served:
        yield served


def toml_text(value: Any) -> str:
    """Return a TOML value, tables in one line; what TOML does not have is left as JSON has it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {toml_text(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def hostile(chance: random.Random, name: str, sound: str) -> bytes:
    """Return an input with other values, other bytes, or hostile text in some places."""
    kind = chance.randrange(3)
    if kind == 0:
        return mangled_bytes(chance, sound.encode())
    if kind == 1 and not name.endswith(".txt"):
        value = json.loads(sound) if name.endswith(".json") else tomllib.loads(sound)
        for _ in range(chance.randrange(1, 4)):
            changed = changed_value(chance, copy.deepcopy(value))
            value = changed if isinstance(changed, dict) else value
        lines = [f"{json.dumps(str(key))} = {toml_text(inner)}" for key, inner in value.items()]
        text = json.dumps(value, default=str) if name.endswith(".json") else "\n".join(lines)
        return text.encode("utf-8", "surrogatepass")
    data = sound.encode()
    more = ("[" * 100_000, "a={b=" * 3000, "p0; " + "(" * 3000 + "os_name=='a'", "p0 " + ">=1," * 50_000 + "<2", "1" * 5000, "\x00",
            " and ".join(["extra=='more'"] * 20_000), "-r " * 1000, "\\\n" * 10_000)  # fmt: skip
    for _ in range(chance.randrange(1, 4)):
        offset = chance.randrange(len(data))
        text = chance.choice([*TEXTS, *more])
        data = data[:offset] + text.encode("utf-8", "surrogatepass") + data[offset + chance.randrange(9) :]
    return data


def test_hostile_inputs(workspace: Workspace) -> None:
    """Whatever a file holds that a command reads."""
    if CASES > SAMPLE:
        preload()
    workspace.write("p0.txt", "p0\n")
    workspace.write("pyproject.toml", PROJECT)
    usual = ran(workspace, str(workspace.mirror), "mirror", "warm", "--depth", "closure", "pyproject.toml", "p0.txt")
    assert usual.code == 0, usual.text
    sound = {"uv.lock": UV_LOCK, "pyproject.toml": PROJECT, "list.txt": LIST}
    for output in ("pylock.toml", "locked.json"):
        assert ran(workspace, str(workspace.mirror), "lock", "p0.txt", "-o", output).code == 0
        sound[output] = workspace.read(output).decode()
    wrong, worst, codes = list[str](), (0.0, 0.0), Counter[int]()
    for seed in range(FIRST, FIRST + CASES):
        chance = random.Random(seed)  # noqa: S311 - it makes inputs, it guards nothing
        name = chance.choice(sorted(sound))
        for other in sound:
            (workspace.folder / other).unlink(missing_ok=True)
        (workspace.folder / name).write_bytes(hostile(chance, name, sound[name]))
        words = chance.choice(COMMANDS[name]).format(name).split()

        outcome = ran(workspace, str(workspace.mirror), *words, environment=SETTINGS)

        codes[outcome.code] += 1
        megabytes = outcome.peak_megabytes - usual.peak_megabytes
        worst = max(worst[0], outcome.cpu_seconds), max(worst[1], megabytes)
        holds = (
            outcome.code in {0, 1, 2, 3, 4, 5, 6, 7} and "Traceback" not in outcome.text
            and (outcome.code == 0 or max(map(len, outcome.text.splitlines())) < 5000)
            and outcome.cpu_seconds < LONGEST and megabytes < LARGEST
        )  # fmt: skip
        if not holds:
            figures = f"code {outcome.code}, {outcome.cpu_seconds:.1f} CPU s, {megabytes:.0f} MB"
            wrong.append(f"case {seed}, {' '.join(words)}: {figures}: {outcome.text[:2000]}")
            print(wrong[-1], flush=True)  # noqa: T201 - with -s, for whoever runs many
    figures = f"worst {worst[0]:.2f} CPU s, {worst[1]:.0f} MB more; codes {dict(codes)}"
    print(f"{CASES} hostile inputs, {len(wrong)} wrong: {figures}")  # noqa: T201 - likewise
    assert 0 in codes  # some changes are harmless
    assert not wrong, "\n".join(wrong[:3])
