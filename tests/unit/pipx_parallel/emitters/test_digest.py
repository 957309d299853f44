"""The digest of the inputs: it moves with what can change an answer, and with nothing else."""

from __future__ import annotations

import pytest

from pipx_parallel.emitters.digest import input_digest
from pipx_parallel.emitters.interface import LockContext
from pipx_parallel.emitters.registry import emitter_for
from pipx_parallel.model import IndexOptions, SourceFile
from tests.support.resolutions import context, target, web_resolution

BASE = context()


@pytest.mark.parametrize(
    "changed",
    [
        BASE._replace(files=(SourceFile("requirements.in", "0" * 64),)),
        BASE._replace(files=()),
        BASE._replace(options=IndexOptions(pre=True)),
        BASE._replace(options=IndexOptions(only_binary=("a",))),
        BASE._replace(settings={"resolution": "lowest"}),
        BASE._replace(hashes=False),
    ],
)
def test_it_moves_with_what_can_change_an_answer(changed: LockContext) -> None:
    """Sources, options, settings, hashes or not."""
    assert input_digest(changed, [target()]) != input_digest(BASE, [target()])


def test_it_moves_with_the_targets() -> None:
    """Python, platform, and the tags that a C library decides."""
    digests = {
        input_digest(BASE, targets)
        for targets in (
            [target()],
            [target("3.12")],
            [target(platform="darwin")],
            [target(tags=("x",))],
            [target()] * 2,
        )
    }

    assert len(digests) == 5


def test_it_does_not_move_with_command_path_kernel_or_password() -> None:
    """A check from another folder, on another kernel, after the password was changed, still matches."""
    plain = target()
    other_kernel = plain._replace(markers={**plain.markers, "platform_release": "7.0", "platform_version": "#2"})
    with_user = BASE._replace(options=IndexOptions(index_url="https://u:p@index.example/simple"))
    with_other = BASE._replace(options=IndexOptions(index_url="https://u:q@index.example/simple"))
    moved = BASE._replace(command="x", files=(SourceFile("../requirements.in", BASE.files[0].sha256),))

    assert input_digest(moved, [other_kernel]) == input_digest(BASE, [plain])
    assert input_digest(with_user, [plain]) == input_digest(with_other, [plain])


@pytest.mark.parametrize("name", ["pylock.toml", "a.txt", "a.sh", "a.ps1", "a.json"])
def test_every_format_carries_it_in_its_first_4_kilobytes(name: str) -> None:
    """``lock --check`` reads no further when nothing changed."""
    resolved = web_resolution()

    text = emitter_for(name).render(name, [resolved], BASE)[0].text

    assert input_digest(BASE, [resolved.target]) in text[:4096]
