"""Scenarios: small indexes written as TOML, resolved by the real mirror and resolver. Format: tests/scenarios/README.md."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from mirror.errors import MirrorError
from mirror.session.mirror import Mirror
from mirror.settings import MirrorSettings
from pipx_parallel.cli import exit_code
from pipx_parallel.cli.fast import parse
from pipx_parallel.config.layers import Chosen, Layer, input_layer
from pipx_parallel.config.options import RESOLVE
from pipx_parallel.config.settings import IndexSettings, ResolveSettings, resolve_settings
from pipx_parallel.errors import NoSolution, PipxParallelError
from pipx_parallel.model import Inputs, Resolution, Target
from pipx_parallel.requirements.load import InputRequest, load_inputs
from pipx_parallel.resolution.resolve import resolve
from pipx_parallel.targets.targets import make_target
from tests.support.dict_store import DictStore
from tests.support.memory_index import ROOT, MemoryIndex, Projects
from tests.support.texts import TextReader

FOLDER = Path(__file__).resolve().parents[1] / "scenarios"
SOURCE, LIMITS = "requirements.txt", "constraints.txt"
_NOW = 1_760_000_000.0  # October 2025: what "P7D" counts from
_TARGET = ("--python-version", "3.11", "--platform", "x86_64-manylinux_2_28")
_KEYS = frozenset(
    ("about", "link", "roots", "constraints", "flags", "packages", "kept", "pins", "reasons", "error", "words", "never")
)  # fmt: skip


class Scenario(NamedTuple):
    """One index, one list of requirements and the expected result. Fields as in the TOML; see the README there."""

    family: str  # the file's name
    name: str
    about: str
    roots: tuple[str, ...]
    packages: Projects
    constraints: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    pins: Mapping[str, str] | None = None
    error: int | None = None
    words: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    reasons: Mapping[str, str] = {}
    previous_pins: Mapping[str, str] = {}
    link: str = ""

    @property
    def id(self) -> str:
        """Return the name pytest shows."""
        return f"{self.family}: {self.name}"


class Outcome(NamedTuple):
    """The result of a list: a resolution, or an error with its exit code."""

    resolution: Resolution | None
    error: Exception | None
    code: int

    @property
    def pins(self) -> dict[str, str]:
        """Return versions by project."""
        return {} if self.resolution is None else {pin.name: pin.version for pin in self.resolution.pins}

    @property
    def lines(self) -> list[str]:
        """Return the messages to the user, a line each."""
        return str(self.error or "").splitlines()


def load_scenarios(folder: Path = FOLDER) -> list[Scenario]:
    """Return every scenario of every file, in order. Raises ``ValueError`` for an unknown field."""
    scenarios = []
    for path in sorted(folder.glob("*.toml")):
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            scenarios.append(_scenario(path.stem, name, table))
    return scenarios


def run(scenario: Scenario) -> Outcome:
    """Resolve a scenario from an empty mirror."""
    return resolve_texts(
        {SOURCE: "\n".join(scenario.roots), LIMITS: "\n".join(scenario.constraints)},
        scenario.packages, scenario.flags, scenario.previous_pins,
    )  # fmt: skip


def resolve_texts(
    texts: Mapping[str, str],
    packages: Projects,
    flags: Sequence[str] = (),
    previous_pins: Mapping[str, str] | None = None,
) -> Outcome:
    """Resolve a requirements and a constraints file as the command line would, against an index in memory."""
    try:
        inputs, settings, target = understood(texts, flags)
        selection = settings.selection._replace(
            preferred=previous_pins or {}, suggest_seconds=600
        )  # a slow machine finds the same
        settings = settings._replace(selection=selection)
        with memory_mirror(packages) as mirror:
            return Outcome(resolve(inputs, (target,), mirror, settings)[0], None, 0)
    except (PipxParallelError, MirrorError) as error:
        return Outcome(None, error, exit_code(error))


def memory_mirror(packages: Projects, index: MemoryIndex | None = None) -> Mirror:
    """Return an empty mirror of an index in memory, by default one of these packages."""
    transport = index or MemoryIndex(packages)
    return Mirror(MirrorSettings("memory", (ROOT,)), DictStore(), lambda: transport, clock=lambda: _NOW)


def understood(texts: Mapping[str, str], flags: Sequence[str]) -> tuple[Inputs, ResolveSettings, Target]:
    """Return what the texts and flags say, by the code of the command line."""
    values = parse(list(flags), RESOLVE)
    if values is None:
        raise ValueError(f"these flags are not understood: {flags}")
    given = Chosen([Layer("flag", values)])  # type: ignore[arg-type]  # what the parser makes
    inputs = load_inputs(
        InputRequest(
            [SOURCE],
            constraint_files=[LIMITS] if texts.get(LIMITS) else [],
            overrides=given.texts("override"),
            excludes=given.texts("exclude"),
        ),
        environ={},
        reader=TextReader(texts),
    )
    chosen = given.with_layer(input_layer(inputs.options))
    settings = resolve_settings(chosen, "memory", _NOW)._replace(indexes=IndexSettings(ROOT))
    return (
        inputs,
        settings,
        _target(
            next(iter(settings.target.python_versions), None), settings.target.platforms, settings.target.implementation
        ),
    )


@lru_cache
def _target(python: str | None, platforms: tuple[str, ...], implementation: str | None) -> Target:
    return make_target(python or _TARGET[1], platforms or (_TARGET[3],), implementation or "cp")


def _scenario(family: str, name: str, table: Mapping[str, Any]) -> Scenario:
    if unknown := sorted(set(table) - _KEYS):
        raise ValueError(f"{family}.toml, {name}: unknown {', '.join(unknown)}")
    if ("pins" in table) == ("error" in table):
        raise ValueError(f"{family}.toml, {name}: say pins, or say error")
    return Scenario(
        family, name, table["about"], tuple(table["roots"]), table.get("packages", {}),
        constraints=tuple(table.get("constraints", ())), flags=tuple(table.get("flags", ())),
        pins=table.get("pins"), error=table.get("error"), words=tuple(table.get("words", ())),
        never=tuple(table.get("never", ())), reasons=table.get("reasons", {}),
        previous_pins=table.get("kept", {}), link=table.get("link", ""),
    )  # fmt: skip


__all__ = ["NoSolution", "Outcome", "Scenario", "load_scenarios", "memory_mirror", "resolve_texts", "run", "understood"]
