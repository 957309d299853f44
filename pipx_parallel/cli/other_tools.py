"""Commands and options of pip, pip-tools and uv that this tool has under another name: what an error suggests instead."""

from __future__ import annotations

from collections.abc import Mapping

_INSTALL = (
    "pip installs a lock: `pip install -r pylock.toml`, or write and run an install script with `lock -o install.sh`"
)

COMMANDS: Mapping[str, str] = {
    "compile": "write `pipx-parallel lock`",
    "pip": "write `pipx-parallel lock` for `uv pip compile`; pip itself installs",
    "pip-compile": "write `pipx-parallel lock`",
    "sync": _INSTALL,
    "install": _INSTALL,
    "add": "add the requirement to your file and run `pipx-parallel lock`",
    "remove": "remove the requirement from your file and run `pipx-parallel lock`",
    "export": "write `pipx-parallel lock -o requirements.txt`, or `mirror export` for the mirror",
    "freeze": "write `pipx-parallel lock`",
    "upgrade": "write `pipx-parallel lock -U`",
    "update": "write `pipx-parallel lock -U`",
    "check": "write `pipx-parallel lock --check`",
    "list": "write `pipx-parallel tree`",
    "show": "write `pipx-parallel why NAME`",
    "download": "write `pipx-parallel bundle`",
    "wheel": "write `pipx-parallel bundle`",
    "cache": "write `pipx-parallel mirror status`",
    "help": "write `pipx-parallel --help`",
}

OPTIONS: Mapping[str, str] = {
    "--python": "write --python-version",
    "--python-platform": "write --platform",
    "--dry-run": "write --diff",
    "--check-only": "write --check",
    "--frozen": "write --check to compare, or --offline to use no network",
    "--locked": "write --check",
    "--only-group": "write --group NAME and name no project",
    "--dev": "write --group dev",
    "--no-dev": "leave it out: groups are locked only with --group",
    "--all-build-deps": "write --build-requires",
    "--default-index": "write --index-url",
    "--index": "write --index-url or --extra-index-url",
    "--pypi-url": "write --index-url",
    "--prerelease": "write --pre",
    "--resolver": "leave it out: there is one resolver",
    "--rebuild": "write --refresh",
    "--no-cache": "write --refresh",
    "--no-cache-dir": "write --refresh",
    "--refresh-package": "write --refresh",
    "--cache-dir": "write --mirror",
    "--constraints": "write --constraint",
    "--overrides": "write --override",
    "--excludes": "write --exclude",
    "--universal": "this command shows one environment: write --python-version and --platform",
    "--allow-unsafe": "leave it out: pip and setuptools are locked as others",
    "--unsafe-package": "write --exclude",
    "--no-emit-package": "write --exclude",
    "--reuse-hashes": "leave it out: it is the default",
    "--emit-index-url": "leave it out: the index options of the inputs are written",
    "--no-emit-index-url": "leave it out: only the index options of the inputs are written",
    "--emit-find-links": "leave it out: those of the inputs are written",
    "--no-strip-extras": "leave it out: it is the default",
    "--no-build-package": "write --only-binary NAME",
    "--no-binary-package": "write --no-binary NAME",
    "--fork-strategy": "write --fork",
    "--upgrade-packages": "write --upgrade-package",
    "--verify": "write `pipx-parallel mirror verify`",
}
