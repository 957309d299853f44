"""What a build backend may see of this machine's environment."""

from __future__ import annotations

import pytest

from pipx_parallel.builds.environ import backend_environment, pip_environment

SECRETS = (
    "PIPX_PARALLEL_TOKEN", "PIPX_PARALLEL_CREDENTIALS_INDEX_EXAMPLE", "PIPX_PARALLEL_INDEX_URL", "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN", "CARGO_REGISTRY_TOKEN", "HATCH_INDEX_AUTH", "TWINE_PASSWORD", "PIP_INDEX_URL", "NETRC", "DATABASE_URL",
    "GOOGLE_APPLICATION_CREDENTIALS", "PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD", "XDG_API_KEY",
)  # fmt: skip
NEEDED = (
    "PATH", "HOME", "HTTPS_PROXY", "https_proxy", "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CC", "CFLAGS", "LC_ALL",
    "PKG_CONFIG_PATH", "CMAKE_ARGS", "CARGO_HOME", "RUSTFLAGS", "SETUPTOOLS_SCM_PRETEND_VERSION", "SystemRoot", "PYTHONUTF8",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_not_seen(name: str) -> None:
    """Those of the tool, of pip, of other tools, and what no build needs."""
    assert backend_environment({name: "s3cret"}) == {}


@pytest.mark.parametrize("name", NEEDED)
def test_what_building_needs_is_seen(name: str) -> None:
    """The system, proxies, certificates, compilers."""
    assert backend_environment({name: "text"}) == {name: "text"}


def test_a_variable_that_the_user_names_is_seen() -> None:
    """Even one whose name looks like a secret; others of the kind are not."""
    environ = {"MY_TOKEN": "a", "MY_OTHER_TOKEN": "b"}

    assert backend_environment(environ, ("MY_TOKEN", "UNSET")) == {"MY_TOKEN": "a"}


@pytest.mark.parametrize(
    "name", ["TARGET", "USER", "PREFIX", "ROOT", "DRY_RUN", "REQUIREMENT", "CONSTRAINT", "NO_DEPS", "REPORT"]
)
def test_pip_is_not_told_to_install_elsewhere_or_more(name: str) -> None:
    """Such a variable is meant for the user's own installs."""
    assert pip_environment({f"PIP_{name}": "1"}) == {}


def test_pip_sees_its_own_settings_and_none_of_this_tool() -> None:
    """It installs what a build needs."""
    environ = {"PIP_INDEX_URL": "a", "NETRC": "b", "PATH": "c", "PIPX_PARALLEL_TOKEN": "d"}

    assert sorted(pip_environment(environ)) == ["NETRC", "PATH", "PIP_INDEX_URL"]
