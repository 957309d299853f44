"""Which environment variables the programs of a build see: what building needs, and no secrets.

A build backend is untrusted code. It sees the system's own variables, proxies, certificates and the settings of compilers;
neither this tool's variables nor pip's, and no variable whose name says that it is a secret. pip, which installs what a build
needs, sees its own settings besides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
_OF_PIP = ("PIP_", "NETRC", "UV_", "KEYRING", "SSH_")


def backend_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of an environment a build backend sees."""
    return {name: text for name, text in environ.items() if _is_seen(name.upper())}


def pip_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of an environment pip sees that installs what a build needs: its own settings as well."""
    own = {name: text for name, text in environ.items() if name.upper().startswith(_OF_PIP)}
    return {**backend_environment(environ), **own}


def _is_seen(name: str) -> bool:
    if name in _NEVER or _SECRET.search(name):
        return False
    return name in _NAMES or name.startswith(_PREFIXES)
