"""Read the pins from a tool's output."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def read_pins(path: Path) -> dict[str, str]:
    """Return normalised name → version from a ``pylock.toml`` or a requirements file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        packages = tomllib.loads(text).get("packages", [])
        pins = [(package["name"], package["version"]) for package in packages if "version" in package]
    else:
        pins = _PIN.findall(text)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in sorted(pins)}
