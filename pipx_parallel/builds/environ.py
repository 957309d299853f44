"""Which environment variables the programs of a build see: what building needs, and no secrets.

A build backend is untrusted code. It sees the system's own variables, proxies, certificates and the settings of compilers;
neither this tool's variables nor pip's, and no variable whose name says that it is a secret, unless the user names it. pip, which
installs what a build needs, sees besides where to find it, and none of its settings that say where to install or what else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SYSTEM = (
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TERM TMPDIR TEMP TMP CI SOURCE_DATE_EPOCH SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC "
    "PATHEXT APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES PROGRAMFILES(X86) PROGRAMW6432 COMMONPROGRAMFILES USERPROFILE HOMEDRIVE "
    "HOMEPATH NUMBER_OF_PROCESSORS OS"
)
_NETWORK = "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE"
_COMPILERS = (
    "CC CXX CPP LD AR AS NM RANLIB STRIP FC F77 F90 CFLAGS CXXFLAGS CPPFLAGS LDFLAGS FFLAGS FCFLAGS LDSHARED LIBS ARCHFLAGS "
    "CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH INCLUDE LIB LIBPATH LIBRARY_PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH MAKEFLAGS "
    "MAX_JOBS SDKROOT DEVELOPER_DIR MACOSX_DEPLOYMENT_TARGET _PYTHON_HOST_PLATFORM JAVA_HOME CONDA_PREFIX MPICC GOPATH GOROOT "
    "GOFLAGS VCINSTALLDIR VSINSTALLDIR"
)
_NAMES = frozenset(f"{_SYSTEM} {_NETWORK} {_COMPILERS}".split())
_PREFIXES = (
    "LC_", "XDG_", "PYTHON", "PKG_CONFIG", "CMAKE_", "MESON", "NINJA", "CARGO", "RUST", "CUDA", "NVCC", "LLVM", "SETUPTOOLS_",
    "DISTUTILS_", "HATCH_", "PBR_", "PDM_BUILD_", "POETRY_DYNAMIC_", "MATURIN_", "SKBUILD_", "SCIKIT_BUILD_", "CYTHON", "NPY_",
    "VCPKG_", "VCTOOLS", "VSCMD_", "WINDOWSSDK", "UCRT", "PROCESSOR_", "CIBUILDWHEEL", "AUDITWHEEL_", "OPENSSL_", "OPENBLAS_",
    "BLAS_", "LAPACK_", "HDF5_",
)  # fmt: skip
_NEVER = frozenset(("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT"))  # of this tool's interpreter
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE|_KEY\b|_AUTH\b")
_CREDENTIALS = ("NETRC", "UV_", "KEYRING", "SSH_")  # prefixes: where pip and its keyrings find credentials
_PIP_SETTINGS = (
    "INDEX_URL EXTRA_INDEX_URL FIND_LINKS NO_INDEX TRUSTED_HOST CERT CLIENT_CERT PROXY TIMEOUT DEFAULT_TIMEOUT RETRIES CONFIG_FILE "
    "CACHE_DIR NO_CACHE_DIR KEYRING_PROVIDER USE_FEATURE USE_DEPRECATED RESUME_RETRIES UPLOADED_PRIOR_TO PREFER_BINARY ONLY_BINARY "
    "NO_BINARY BUILD_CONSTRAINT"
)
_OF_PIP = frozenset([f"PIP_{name}" for name in _PIP_SETTINGS.split()])


def backend_environment(environ: Mapping[str, str], passed: Collection[str] = ()) -> dict[str, str]:
    """Return what of an environment a build backend sees; variables of the names in ``passed`` are always among it."""
    return {name: text for name, text in environ.items() if name in passed or _is_seen(name.upper())}


def pip_environment(environ: Mapping[str, str], passed: Collection[str] = ()) -> dict[str, str]:
    """Return what of an environment pip sees that installs what a build needs, or that builds."""
    own = {
        name: text for name, text in environ.items() if name.upper() in _OF_PIP or name.upper().startswith(_CREDENTIALS)
    }
    return {**backend_environment(environ, passed), **own}


def _is_seen(name: str) -> bool:
    if name in _NEVER or _SECRET.search(name):
        return False
    return name in _NAMES or name.startswith(_PREFIXES)
