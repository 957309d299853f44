"""Where the mirror is: ``~`` and variables that no shell replaced, and an account without HOME."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from pipx_parallel.cli.cache_folder import cache_folder, home_folder, mirror_folder
from tests.cli.conftest import Run


@pytest.mark.parametrize("location", ["~/m", "$PLACE/m", "${PLACE}/m"])
@pytest.mark.parametrize("by_variable", [False, True])
def test_a_place_that_no_shell_expanded_is_expanded_once(
    home: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, by_variable: bool
) -> None:
    """The mirror is usable again offline, and no folder called ``~`` or ``$PLACE`` is made."""
    monkeypatch.setenv("PLACE", str(tmp_path / "home"))
    flags = [] if by_variable else [f"--mirror={location}"]
    if by_variable:
        monkeypatch.setenv("PIPX_PARALLEL_MIRROR", location)

    codes = [run("lock", "--packages", "app", *flags, *more).code for more in ((), ("--offline",))]

    assert codes == [0, 0]
    assert (tmp_path / "home" / "m").is_dir()
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("value", [None, ""])
def test_without_home_the_account_s_home_is_used(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """As pip and uv do."""
    for name in ("HOME", "USERPROFILE", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if value is not None:
        monkeypatch.setenv("HOME", value)
    account = pwd.getpwuid(os.getuid()).pw_dir

    assert home_folder() == account
    assert [path.startswith(f"{account}/") for path in (mirror_folder(), cache_folder())] == [True, True]
