"""All direct references of a resolve: found together, named, and made to answer for their projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.dependency_sets import BASE
from mirror.records.model import FetchFailure
from pipx_parallel.direct.direct_project import DirectProject
from pipx_parallel.direct.reference import parse, same
from pipx_parallel.direct.steps import find
from pipx_parallel.errors import RequirementsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.session.mirror import Mirror
    from pipx_parallel.direct.reference import Reference
    from pipx_parallel.direct.steps import BuildContext
    from pipx_parallel.model import RootRequirement
    from pipx_parallel.targets.rules import TargetRules


class Directs:
    """Direct references by URL, each found once, whatever the number of targets."""

    def __init__(self, mirror: Mirror, context: BuildContext) -> None:
        """Find nothing yet."""
        self._mirror = mirror
        self._shop = context
        self._found: dict[tuple[str, tuple[str, ...]], DirectProject | MirrorError] = {}
        self._references: dict[str, tuple[Reference, RootRequirement]] = {}  # by project

    def name(self, roots: Sequence[RootRequirement]) -> tuple[list[RootRequirement], list[FetchFailure]]:
        """Return the roots, each with its name, and what could not be found (its roots are left out).

        Raises ``RequirementsError`` where a reference turns out to be another project than its line says.
        """
        self._find([root for root in roots if root.url is not None])
        named: list[RootRequirement] = []
        failures: list[FetchFailure] = []
        for root in roots:
            if root.url is None:
                named.append(root)
                continue
            found = self._found[_key(root)]
            if isinstance(found, MirrorError):
                failures.append(FetchFailure(root.name or root.text, None, found))
                continue
            if root.name and root.name != found.view.name:
                problem = f"{root.text} is {found.view.name}, not {root.name}"
                raise RequirementsError(root.origin, problem, "correct the name or the URL")
            named.append(root._replace(name=found.view.name))
        return named, failures

    def override_project(self, roots: Iterable[RootRequirement], rules: TargetRules) -> list[FetchFailure]:
        """Let the references answer for their projects, with all they need by reference themselves; return failures.

        Raises ``RequirementsError`` where two references to one project differ.
        """
        self._references = {}
        failures: list[FetchFailure] = []
        rows = [(root, frozenset((BASE, *root.extras))) for root in roots if root.url is not None]
        while rows:
            following: list[tuple[RootRequirement, frozenset[str]]] = []
            for root, extras in rows:
                found = self._found[_key(root)]
                if isinstance(found, MirrorError):
                    failures.append(FetchFailure(root.name, None, found))
                    continue
                if self._claim(found.view.name, root):
                    self._mirror.admin.override_project(found)
                following += self._needed(found, extras, root, rules)
            self._find([root for root, _ in following])
            rows = following
        return failures

    def _find(self, roots: Sequence[RootRequirement]) -> None:
        jobs = {}
        for root in roots:
            key = _key(root)
            if key in self._found:
                continue
            try:
                reference = parse(root.url or "", root.hashes)
            except MirrorError as error:
                raise RequirementsError(root.origin, str(error)) from error
            self._shop.learn((root.url or "").removeprefix("git+"))
            egg = root.name if root.editable and reference.kind == "git" else ""
            jobs["\n".join((key[0], *key[1]))] = (key, find(reference, root.config_settings, egg, self._shop))
        answers = self._mirror.run({text: steps for text, (_, steps) in jobs.items()})
        for text, (key, _) in jobs.items():
            self._found[key] = answers[text]

    def _claim(self, name: str, root: RootRequirement) -> bool:
        """Note which reference answers for a project; say whether it is a new one."""
        reference = parse(root.url or "", root.hashes)
        known = self._references.get(name)
        if known is None:
            self._references[name] = (reference, root)
            return True
        before = known[1]
        if not same(known[0], reference):
            problem = f"{name} is asked for as {reference.label} here and as {known[0].label} at {before.origin}"
            raise RequirementsError(root.origin, problem, "keep one of them")
        if root.editable != before.editable and root.origin != before.origin:  # a dependency has its root's origin
            how = ("as it is", "editable")
            problem = f"{name} is asked for {how[root.editable]} here and {how[before.editable]} at {before.origin}"
            raise RequirementsError(root.origin, problem, "keep one of them")
        return False

    def _needed(
        self, found: DirectProject, extras: frozenset[str], root: RootRequirement, rules: TargetRules
    ) -> list[tuple[RootRequirement, frozenset[str]]]:
        """Return what a project asks for by reference, as roots of its own."""
        rows = []
        needs = found.view.dependency_set(0, 0)
        for extra in sorted(extras):
            for dependency in needs.dependencies(extra) if needs is not None else ():
                if dependency.url is None or not rules.marker_holds(dependency.marker, extra):
                    continue
                row = root._replace(
                    name=dependency.name, extras=dependency.extras, url=dependency.url, hashes=(), editable=False,
                    specifier="", text=f"{dependency.name} @ {dependency.url}", config_settings=(),
                )  # fmt: skip
                fresh = dependency.name not in self._references or not same(
                    self._references[dependency.name][0], parse(dependency.url)
                )
                if fresh:
                    rows.append((row, frozenset((BASE, *dependency.extras))))
        return rows


def _key(root: RootRequirement) -> tuple[str, tuple[str, ...]]:
    settings = tuple([f"{name}={value}" for name, value in root.config_settings])
    return root.url or "", (*root.hashes, *settings, *(["-e"] if root.editable else []))
