"""Where metadata comes from: this target's wheel, another wheel of the release, what an sdist states, a build; in this order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.dists import backend_text, module_wheel, sdist, source_archive, wheel
from tests.support.index_server import LoopbackIndex
from tests.support.workspace import Workspace, check_refused, locked

OTHERS = "cp27-cp27m-win32"  # no target of these tests installs it


def report_of(workspace: Workspace, *requirements: str, flags: tuple[str, ...] = ()) -> dict[str, Any]:
    """Resolve into a report with figures, insist on exit code 0, and return its one target."""
    workspace.write("r.txt", "\n".join(requirements) + "\n")
    ran = workspace.run("resolve", "r.txt", "--format", "json", *flags)
    assert ran.code == 0, ran.err
    target = json.loads(ran.out)["targets"][0]
    assert isinstance(target, dict)
    return target


def pin_of(target: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a pin of a report's target."""
    pin_found = next(pin for pin in target["pins"] if pin["name"] == name)
    assert isinstance(pin_found, dict)
    return pin_found


def attempts(marker: Path) -> int:
    """Return how often a backend ran that adds a letter to a file."""
    return len(marker.read_text()) if marker.exists() else 0


def counting(marker: Path) -> str:
    """Return Python that adds a letter to a file."""
    return f"with open({str(marker)!r}, 'a') as file:\n    file.write('x')\n"


def test_the_wheel_of_another_platform_tells(workspace: Workspace, index: LoopbackIndex) -> None:
    """The sdist is what is locked, nothing is built, and the report says where the metadata comes from."""
    index.publish(
        "native", wheel("native", "1.0", ["lib<2"], tags=OTHERS), sdist("native", "1.0", ["base"], static=False)
    )

    target = report_of(workspace, "native", flags=("--no-build",))

    native = pin_of(target, "native")
    assert native["installable"] == ["native-1.0.tar.gz"]
    assert native["metadata-from"] == f"native-1.0-{OTHERS}.whl"
    assert pin_of(target, "lib")["version"] == "1.0"
    assert pin_of(target, "lib")["metadata-from"] is None
    assert not index.paths("/files/native/*.tar.gz")
    assert locked(workspace, "native", flags=["--offline", "--no-build"]) == {"lib": "1.0", "native": "1.0"}


def test_an_older_release_asks_another_wheel_too(workspace: Workspace, index: LoopbackIndex) -> None:
    """Also where only a search that goes back meets the release."""
    index.publish("lib", *[wheel("lib", f"{number}.0") for number in range(3, 30)])
    for number in range(2, 20):
        index.publish("native", wheel("native", f"{number}.0", ["lib<2"]))
    index.publish(
        "native", wheel("native", "1.0", ["lib<4"], tags=OTHERS), sdist("native", "1.0", ["base"], static=False)
    )

    assert locked(workspace, "native<2", "lib", flags=["--no-build"]) == {"lib": "3.0", "native": "1.0"}


def test_wheels_of_other_platforms_alone_cannot_be_installed(workspace: Workspace, index: LoopbackIndex) -> None:
    """There is nothing to install, whatever is known of it."""
    index.publish("native", wheel("native", "1.0", ["lib<2"], tags=OTHERS))

    check_refused(workspace, workspace.lock("native"), 1, "native", "no wheel for this target and no source archive")


def test_a_refused_wheel_tells_nothing(workspace: Workspace, index: LoopbackIndex) -> None:
    """With --no-binary the user trusts the source alone."""
    index.publish("native", wheel("native", "1.0", tags=OTHERS), sdist("native", "1.0", ["base"], static=False))

    assert locked(workspace, "native", flags=["--no-binary", "native"]) == {"base": "1.0", "native": "1.0"}


def test_a_build_is_announced(workspace: Workspace, index: LoopbackIndex) -> None:
    """On stderr, before it runs; and the report counts it, with what each request was for."""
    index.publish("dyn", sdist("dyn", "1.0", ["lib<2"], static=False))

    ran = workspace.lock("dyn")
    assert ran.code == 0, ran.err
    assert "building dyn 1.0" in ran.err

    index.publish("other", sdist("other", "1.0", ["lib<2"], static=False))
    target = report_of(workspace, "other")
    assert target["builds"] == [{"name": "other", "version": "1.0", "outcome": "built", "reason": None}]
    purposes = {row["purpose"]: row["requests"] for row in target["requests"]}
    assert purposes["source archives"] == 1
    assert sum(purposes.values()) == target["counts"]["requests"]


def test_a_release_that_is_only_looked_at_is_not_built(
    workspace: Workspace, index: LoopbackIndex, tmp_path: Path
) -> None:
    """A conflict leads a search past old source archives: an answer without them is there, so none is built."""
    marker = tmp_path / "built"
    for number in range(10, 31):
        index.publish("tool", wheel("tool", f"{number}.0", ["lib<2"]))
    for number in range(3, 10):
        backend = backend_text("tool", f"{number}.0", before=counting(marker) + "raise SystemExit('needs a compiler')")
        index.publish("tool", source_archive("tool", f"{number}.0", backend))

    assert locked(workspace, "tool<=12", "lib")["tool"] == "12.0"
    assert attempts(marker) == 0


def test_a_failing_backend_is_passed_over(workspace: Workspace, index: LoopbackIndex, tmp_path: Path) -> None:
    """The next release is locked, the report says why, and a second run does not build again; --refresh does."""
    marker = tmp_path / "built"
    backend = backend_text("dyn", "2.0", before=counting(marker) + "raise SystemExit('needs a compiler')")
    index.publish("dyn", wheel("dyn", "1.0", ["lib<2"]), source_archive("dyn", "2.0", backend))

    first = report_of(workspace, "dyn")
    assert pin_of(first, "dyn")["version"] == "1.0"
    assert "build" in pin_of(first, "dyn")["reason"]
    assert [(row["version"], row["outcome"]) for row in first["builds"]] == [("2.0", "failed")]
    assert attempts(marker) == 1

    again = report_of(workspace, "dyn")
    assert pin_of(again, "dyn") == pin_of(first, "dyn")
    assert [(row["version"], row["outcome"]) for row in again["builds"]] == [("2.0", "failed before")]
    assert attempts(marker) == 1

    report_of(workspace, "dyn", flags=("--refresh",))
    assert attempts(marker) == 2


def test_no_more_than_a_few_are_built_on_one_walk(workspace: Workspace, index: LoopbackIndex, tmp_path: Path) -> None:
    """A project of forty releases none of which builds: a few are tried, and the end says so with one log."""
    marker = tmp_path / "built"
    for number in range(1, 41):
        backend = backend_text("dyn", f"{number}.0", before=counting(marker) + "raise SystemExit('needs a compiler')")
        index.publish("dyn", source_archive("dyn", f"{number}.0", backend))

    ran = workspace.lock("dyn")

    assert ran.code == 1
    assert "needs a compiler" in ran.err
    assert "Traceback" not in ran.err
    assert 1 <= attempts(marker) <= 4
    assert len(ran.err.splitlines()) < 40


def test_a_log_is_short(workspace: Workspace, index: LoopbackIndex) -> None:
    """At most twelve lines of it, and where the whole is."""
    backend = "for number in range(100):\n    print('line', number)\nraise SystemExit('needs a compiler')\n"
    index.publish("dyn", source_archive("dyn", "1.0", backend))

    ran = workspace.lock("dyn")

    assert ran.code == 1
    assert len([line for line in ran.err.splitlines() if "line " in line and line.startswith("    ")]) <= 12
    log = ran.err.partition("the whole log: ")[2].partition(")")[0]
    assert "line 3\n" in Path(log).read_text(encoding="utf-8")


EARLY, MIDDLE, LATE = "2022-01-01T00:00:00Z", "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"


def publish_an_old_source(index: LoopbackIndex) -> None:
    """Publish a source of 2023 that imports what its build requirement had then and has no more."""
    index.publish(
        "setuptools",
        module_wheel("setuptools", "60.0", ["setuptools", "pkg_resources"], EARLY),
        module_wheel("setuptools", "90.0", ["setuptools"], LATE),
    )
    backend = backend_text("old", "1.0", ["lib<2"], before="import pkg_resources")
    index.publish("old", source_archive("old", "1.0", backend, ["setuptools>=40"], upload_time=MIDDLE))


def test_build_requirements_are_those_of_the_cutoff(workspace: Workspace, index: LoopbackIndex) -> None:
    """What was uploaded later takes no part in the build either."""
    publish_an_old_source(index)
    index.publish("lib", wheel("lib", "1.5", upload_time=EARLY))

    pins = locked(workspace, "old", flags=["--uploaded-prior-to", "2023-06-01"])

    assert pins == {"lib": "1.5", "old": "1.0"}


def test_a_build_that_misses_an_old_module_is_tried_with_requirements_of_its_day(
    workspace: Workspace, index: LoopbackIndex
) -> None:
    """Without a cutoff: once, with what was there when the source was uploaded."""
    publish_an_old_source(index)

    assert locked(workspace, "old") == {"lib": "1.0", "old": "1.0"}


def test_the_reason_of_a_failed_build_is_one_line(workspace: Workspace, index: LoopbackIndex) -> None:
    """The traceback of a backend that cannot be imported is in its log, not in the reason of a pin."""
    backend = backend_text("old", "2.0", before="import no_such_module")
    index.publish("old", wheel("old", "1.0"), source_archive("old", "2.0", backend))

    reason = pin_of(report_of(workspace, "old"), "old")["reason"]
    assert reason.startswith(
        "old 2.0 cannot be used: its build failed (old-2.0.tar.gz: the build backend cannot be used: "
    )
    assert "\n" not in reason


def test_a_build_that_fails_otherwise_is_not_tried_again(
    workspace: Workspace, index: LoopbackIndex, tmp_path: Path
) -> None:
    """A module that no build requirement ever had is no reason for a second build, whatever the log says."""
    marker = tmp_path / "built"
    before = counting(marker) + "print(\"ModuleNotFoundError: No module named 'pkg_resources'\")\nimport no_such_module"
    index.publish("old", source_archive("old", "1.0", backend_text("old", "1.0", before=before), upload_time=MIDDLE))

    assert workspace.lock("old").code == 1
    assert attempts(marker) == 1
