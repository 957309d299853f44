"""A small set of invented projects with what real indexes hold: extras, markers, yanks, odd names, a conflict."""

from __future__ import annotations

from tests.support.dists import Dist, oddity, sdist, wheel


def demo_projects() -> dict[str, list[Dist]]:
    """Return the projects, each with its files in page order."""
    return {
        "app": [wheel("app", "1.0", ["lib>=1", "plain ; python_version >= '3.8'"], {"fast": ["speedup"]})],
        "lib": [
            wheel("lib", "1.0", ["base<2"]),
            wheel("lib", "1.1", ["base<2"], requires_python=">=3.8")._replace(yanked="broken build"),
            wheel("lib", "2.0", ["base>=2"], requires_python=">= '2.7'"),
            wheel("lib", "2.1rc1", ["base>=2"]),
        ],
        "base": [wheel("base", "1.9"), wheel("base", "2.0", requires_python=">=3.8"), sdist("base", "2.0")],
        "plain": [sdist("plain", "0.1"), sdist("plain", "0.2", ["base"], static=False)],
        "speedup": [
            wheel("speedup", "3.0", tags="cp311-cp311-manylinux_2_17_x86_64", padding=200_000),
            wheel("speedup", "3.0", tags="cp311-cp311-win_amd64"),
            wheel("speedup", "2.0"),
            oddity("speedup", "speedup-1.0-py2.7.egg"),
            oddity("speedup", "speedup-1.0.win32.exe"),
            oddity("speedup", "no-rule-parses-this"),
        ],
        "conflicted": [wheel("conflicted", "1.0", ["lib==1.0", "base>=2"])],
        "tool": [wheel("tool", "1.0", ["lib"], scripts={"tool": "tool:main"})],
    }
