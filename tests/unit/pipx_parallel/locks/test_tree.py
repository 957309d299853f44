"""The text of tree, tree --invert and why."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import pairwise

import pytest

from mirror.errors import NotFound
from mirror.records.model import FetchFailure
from pipx_parallel.errors import UsageError
from pipx_parallel.locks.tree import TreeStyle, render_inverted, render_tree, render_why, tree_dot, tree_json, why_json
from tests.support.goldens import assert_golden
from tests.support.resolutions import pin, resolution, root, web_resolution

WEB = web_resolution()._replace(
    roots=(
        root("httpx[socks]>=0.28", 2),
        root("httptools", 3),
        root("idna<4", 1, "limits.in", constraint=True),
    )
)


def test_the_tree_looks_as_agreed() -> None:
    """From the user's lines down, a subtree once, constraints bring nothing in."""
    assert_golden("tree.txt", render_tree(WEB))


def test_the_inverted_tree_looks_as_agreed() -> None:
    """From a project up to the user's lines."""
    assert_golden("tree-inverted.txt", render_inverted(WEB, "IDNA"))


def test_why_looks_as_agreed() -> None:
    """The chain from each line of the user's, the limits, and why it is not newer."""
    assert_golden("why.txt", render_why(WEB, "h11") + render_why(WEB, "httpcore") + render_why(WEB, "idna"))


def test_the_dot_form_looks_as_agreed() -> None:
    """And Graphviz reads it, where it is installed."""
    text = tree_dot(WEB)

    assert_golden("tree.dot", text)
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=text.encode(), check=True, capture_output=True)


def test_the_json_form_looks_as_agreed() -> None:
    """Tree and why, for programs."""
    assert_golden("tree.json", json.dumps({"tree": tree_json(WEB), "why": why_json(WEB, "h11")}, indent=2) + "\n")


def test_depth_limits_the_levels() -> None:
    """0: the roots alone."""
    assert render_tree(WEB, TreeStyle(depth=0)).splitlines() == [
        "httpx[socks] 0.28.1 (httpx[socks]>=0.28, requirements.in:2)",
        "httptools 0.6.4 (httptools, requirements.in:3)",
    ]
    assert "h11" not in render_tree(WEB, TreeStyle(depth=1))


def test_a_subtree_beyond_the_depth_is_not_marked_as_shown() -> None:
    """It is drawn at the first place that is above the limit."""
    resolved = resolution(
        [pin("a", "1"), pin("b", "1"), pin("c", "1")], [root("a"), root("b", 2)], [("a", "b", "b"), ("b", "c", "c")]
    )

    assert render_tree(resolved, TreeStyle(depth=1)).splitlines() == [
        "a 1 (a, requirements.in:1)",
        "└── b 1 (b)",
        "b 1 (b, requirements.in:2)",
        "└── c 1 (c)",
    ]


def test_extras_of_a_project_that_need_each_other_end() -> None:
    """The extra all requires docs, docs requires all: both belong to one node."""
    resolved = resolution(
        [pin("a", "1"), pin("b", "1")],
        [root("a[all]")],
        [("a[all]", "a", "a[docs]"), ("a[docs]", "a", "a[all]"), ("a[docs]", "b", "b")],
    )

    assert render_tree(resolved).splitlines() == [
        "a[all] 1 (a[all], requirements.in:1)",
        "└── b 1 (extra: docs) (b)",
    ]
    assert render_inverted(resolved, "b").splitlines() == [
        "b 1",
        "└── a[docs] 1 (asks for b)",
        "    └── a[all] 1 (asks for a[docs]; a[all], requirements.in:1)",
        "        └── a[docs] 1 (asks for a[all]) (*)",
        "(*) subtree shown above",
    ]
    assert "a[all] → a[all] 1: a[docs] → a[docs] 1: b" in render_why(resolved, "b")


def test_a_circle_ends() -> None:
    """Projects that need each other are drawn once."""
    resolved = resolution(
        [pin("a", "1"), pin("b", "1")], [root("a")], [("a", "b", "b"), ("b", "a", "a"), ("a", "a", "a[x]")]
    )

    assert render_tree(resolved).splitlines() == [
        "a 1 (a, requirements.in:1)",
        "└── b 1 (b)",
        "    └── a 1 (a) (*)",
        "(*) subtree shown above",
    ]


def test_a_chain_of_thousands_is_drawn() -> None:
    """No recursion limit is met."""
    names = [f"p{number:04}" for number in range(3000)]
    edges = [(parent, child, child) for parent, child in pairwise(names)]
    resolved = resolution([pin(name, "1") for name in names], [root(names[0])], edges)

    assert len(render_tree(resolved).splitlines()) == 3000
    assert render_why(resolved, names[-1]).count("→") == 2999


def test_one_project_asked_for_twice_is_one_root() -> None:
    """With both lines named."""
    resolved = resolution([pin("a", "1")], [root("a>0", 1), root("a<2", 2)])

    assert render_tree(resolved) == "a 1 (a>0, requirements.in:1, a<2, requirements.in:2)\n"


def test_what_is_missing_is_drawn_as_missing() -> None:
    """Under whoever asked for it."""
    gone = FetchFailure("b", None, NotFound("no index has b"))
    resolved = resolution([pin("a", "1")], [root("a")], [("a", "b", "b")], missing=[gone])

    assert "└── b (missing) (b)" in render_tree(resolved)
    with pytest.raises(UsageError, match="b is missing: no index has b"):
        render_why(resolved, "b")


def test_a_project_outside_the_set_is_a_usage_error() -> None:
    """With the target's name, because markers may be why."""
    with pytest.raises(UsageError, match=r"nope' is not in this lock: nothing requires it on cpython 3.11"):
        render_why(WEB, "Nope")
    with pytest.raises(UsageError, match="is not in this lock"):
        render_inverted(WEB, "nope")


def test_a_direct_reference_says_that_it_is_fixed() -> None:
    """There is no newer one to speak of."""
    resolved = resolution([pin("a", "1", url="file:///a")], [root("a @ file:///a")])

    assert "fixed by its reference: file:///a" in render_why(resolved, "a")


def test_parts_of_a_line_can_be_painted() -> None:
    """Branches, versions and notes; the text is the same without the colors."""
    painted = render_tree(WEB, TreeStyle(paint=lambda kind, text: f"<{kind}>{text}</>" if text else text))

    assert re.sub(r"<[^>]*?>", "", painted.replace("</>", "")).splitlines()[:2] == render_tree(WEB).splitlines()[:2]
    assert "<branch>├── </>" in painted
