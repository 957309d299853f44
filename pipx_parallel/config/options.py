"""The option table: every option that several commands share, a row each, and nothing that reads one.

Derived from it: the click commands and their help, the fast parser, environment variables, ``[tool.pipx-parallel]``, pip's
configuration, the option lines of requirements files, the typed settings, and what a lock says about how it was made. Values
stay text until ``config.settings`` checks them. An option that pip has too keeps pip's name.
"""

from __future__ import annotations

from pipx_parallel.config.option import POLICY, Argument, Option, flag_option, rare

SOURCES = Argument("sources", "SOURCE", many=True)

_INPUT = "Input"
REQUIREMENT = flag_option("--requirement", "Read this requirements file.", _INPUT, in_file=True, rare=True)._replace(
    names=("-r", "--requirement"), kind="path", metavar="FILE", multiple=True
)
INPUT = (
    REQUIREMENT,
    Option(
        ("-c", "--constraint"), "Constrain versions using this constraints file.", "path", "FILE",
        multiple=True, group=_INPUT, pip=True, in_file=True,
    ),
    Option(
        ("--packages",), 'Requirements, separated by commas: "a,b>=1".', metavar="LIST", multiple=True, group=_INPUT,
        in_lock=True,
    ),
    Option(("--extra",), "Include this extra of the project.", "list", "NAME", multiple=True, group=_INPUT, in_lock=True),
    Option(("--group",), "Include this dependency group.", "list", "NAME", multiple=True, group=_INPUT, in_lock=True),
    flag_option("--all-extras", "Include all extras of the project.", _INPUT, in_lock=True),
    flag_option("--all-groups", "Include all dependency groups.", _INPUT, in_lock=True),
    flag_option("--build-requires", "Include the build requirements of the project.", _INPUT, in_lock=True, rare=True),
    Option(
        ("--override",), "Replace every requirement on a package with this one.", metavar="REQUIREMENT", multiple=True,
        group=_INPUT, in_lock=True,
    ),
    Option(
        ("--exclude",), "Leave this package out of the resolution.", "list", "NAME", multiple=True, group=_INPUT,
        in_lock=True, rare=True,
    ),
)  # fmt: skip
INPUT_FILE = Option(
    ("--input-file",), "Read this file (the same as a SOURCE).", "path", "FILE", multiple=True, group=_INPUT, rare=True
)

_INDEX = "Index"
INDEX = (
    Option(
        ("-i", "--index-url"), "Base URL of the package index [default: pip's setting].", metavar="URL", group=_INDEX,
        setting="indexes.index_url", pip=True, in_file=True,
    ),
    Option(
        ("--extra-index-url",), "Additional package index.", "list", "URL", multiple=True, group=_INDEX,
        setting="indexes.extra_index_urls", pip=True, in_file=True, adds=True,
    ),
    Option(
        ("-f", "--find-links"), "Folder or page with links to archives.", "list", "LOCATION", multiple=True, group=_INDEX,
        rare=True, setting="indexes.find_links", pip=True, in_file=True, adds=True,
    ),
    flag_option("--no-index", "Ignore the package index, use only --find-links.", _INDEX, "indexes.no_index",
          pip=True, in_file=True, rare=True),
    Option(
        ("--index-strategy",), "With several indexes, use the first that has a project, or the best release of all.",
        metavar="NAME", choices=("first-index", "best-match"), group=_INDEX, setting="indexes.index_strategy",
        default="first-index", rare=True),
)  # fmt: skip

_NETWORK = "Network"
NETWORK = rare(
    Option(
        ("--trusted-host",), "Accept this host without a valid TLS certificate.", "list", "HOST", multiple=True,
        group=_NETWORK, setting="network.trusted_hosts", pip=True, in_file=True, adds=True,
    ),
    Option(
        ("--cert",), "File of CA certificates to trust.", "path", "FILE", group=_NETWORK, setting="network.cert", pip=True
    ),
    Option(
        ("--client-cert",), "TLS client certificate with its private key.", "path", "FILE", group=_NETWORK,
        setting="network.client_cert", pip=True,
    ),
    Option(("--proxy",), "Proxy server.", metavar="URL", group=_NETWORK, setting="network.proxy", pip=True),
    Option(
        ("--keyring-provider",), "Where to look up credentials when an index asks for them.", metavar="NAME",
        choices=("auto", "disabled", "import", "subprocess"), group=_NETWORK, setting="network.keyring_provider",
        default="auto", pip=True,
    ),
    Option(
        ("--timeout",), "Read timeout in seconds.", metavar="SECONDS", group=_NETWORK, setting="network.timeout",
        default="15", value="seconds", pip=True,
    ),
    Option(
        ("--retries",), "Maximum number of retries for each request.", metavar="N", group=_NETWORK,
        setting="network.retries", default="4", value="retries", pip=True,
    ),
    Option(
        ("--max-workers",), "Maximum number of concurrent requests, 1 to 50.", metavar="N", group=_NETWORK,
        setting="network.max_workers", default="auto", value="workers",
    ),
    Option(
        ("--transport",), "HTTP client to use.", metavar="NAME", choices=("auto", "curl", "requests", "aiohttp"),
        group=_NETWORK, setting="network.transport", default="auto",
    ),
)  # fmt: skip

_MIRROR = "Mirror"
MIRROR = (
    Option(
        ("--mirror",), "Folder, snapshot or URL of the mirror to use.", "path", "LOCATION",
        group=_MIRROR, setting="mirror.location",
    ),
    flag_option("--offline", "Do not use the network; the mirror must have everything.", _MIRROR, "mirror.offline"),
    flag_option("--refresh", "Revalidate everything that is used with the index.", _MIRROR, "mirror.refresh", rare=True),
)  # fmt: skip

_SELECTION, _BUILDS = "Resolution", "Format and build"
SELECTION = (
    Option(
        ("--resolution",), "Which releases to prefer.", metavar="NAME",
        choices=("highest", "lowest", "lowest-direct"), group=_SELECTION, setting="selection.resolution",
        default="highest", in_lock=True,
    ),
    flag_option("--pre", "Allow pre-releases.", _SELECTION, "selection.pre", pip=True, in_file=True, in_lock=True),
    Option(
        ("--all-releases",), 'Allow pre-releases of these packages (":all:").', "list", "NAMES", multiple=True,
        group=_SELECTION, setting="selection.all_releases", value="projects", pip=True, in_file=True, in_lock=True, rare=True),
    Option(
        ("--only-final",), 'Refuse pre-releases of these packages (":all:").', "list", "NAMES", multiple=True,
        group=_SELECTION, setting="selection.only_final", value="projects", pip=True, in_file=True, in_lock=True, rare=True),
    flag_option("--no-deps", "Lock only the given requirements, without their dependencies.", _SELECTION, "selection.no_deps",
          pip=True, in_lock=True, rare=True),
    flag_option("--require-hashes", "Refuse files without a known hash.", _SELECTION, "selection.require_hashes",
          pip=True, in_file=True, rare=True),
    Option(
        ("--uploaded-prior-to", "--exclude-newer"), "Ignore files uploaded after this date, time or age (e.g. P7D).",
        metavar="WHEN", group=_SELECTION, setting="selection.uploaded_prior_to", value="moment", pip=True, in_lock=True,
    ),
    Option(
        ("--uploaded-prior-to-package", "--exclude-newer-package"),
        "The same for one package; NAME=off turns it off for that package.", metavar="NAME=WHEN", multiple=True,
        group=_SELECTION, setting="selection.uploaded_prior_to_packages", value="moments", in_lock=True, rare=True,
    ),
    Option(
        ("--suggest-seconds",), "How long to try changes if there is no solution; 0 tries none.", metavar="SECONDS",
        group=_SELECTION, setting="selection.suggest_seconds", default="2", value="seconds-or-none", rare=True,
    ),
)  # fmt: skip
BUILDS = (
    flag_option("--prefer-binary", "Prefer an older wheel to a newer source archive.", _BUILDS, "selection.prefer_binary",
          pip=True, in_file=True, in_lock=True, rare=True),
    Option(
        ("--only-binary",), 'Use only wheels for these packages (":all:").', "list", "NAMES", multiple=True,
        group=_BUILDS, setting="selection.only_binary", value="projects", pip=True, in_file=True, in_lock=True,
    ),
    Option(
        ("--no-binary",), 'Use no wheels for these packages (":all:").', "list", "NAMES", multiple=True, rare=True,
        group=_BUILDS, setting="selection.no_binary", value="projects", pip=True, in_file=True, in_lock=True,
    ),
    flag_option("--no-build", "Do not run build backends; fail if a package needs one.", _BUILDS, "builds.no_build"),
    flag_option("--no-build-isolation", "Build with the packages installed beside this tool.", _BUILDS,
          "builds.no_build_isolation", pip=True, rare=True),
    flag_option("--no-build-network", "Run build backends without network (Linux); what they need is installed before.", _BUILDS,
          "builds.no_build_network", rare=True),
    Option(
        ("--build-env",), "Also pass this environment variable to build backends.", "list", "NAME", multiple=True,
        group=_BUILDS, setting="builds.build_env", value="variables", rare=True,
    ),
    Option(
        ("--build-timeout",), "Maximum time of one build in seconds.", metavar="SECONDS", group=_BUILDS,
        setting="builds.build_timeout", default="600", value="seconds", rare=True),
)  # fmt: skip

_TARGET = "Target"
TARGET = (
    Option(("--target", "--targets"), 'Environment to lock for: "3.13 windows"; "help" lists them.', metavar="TARGET",
           multiple=True, group=_TARGET, setting="target.targets", in_lock=True),
    flag_option("--universal", "Lock for all supported Pythons and platforms.", _TARGET, "target.universal",
          in_lock=True),
    Option(("--requires-python",), "Range of Pythons of --universal [default: the project's, else >=3.10,<3.15].",
           metavar="SPEC", group=_TARGET, setting="target.requires_python", in_lock=True, rare=True),
    Option(("--python-version",), "Python version to lock for (3.13 or 3.13.1). May be repeated.", "list", "VERSION",
           multiple=True, group=_TARGET, setting="target.python_versions", in_lock=True),
    Option(("--platform",), 'Platform to lock for: linux, windows, macos; "help" lists all. May be repeated.', "list", "TAG",
           multiple=True, group=_TARGET, setting="target.platforms", in_lock=True),
    Option(("--implementation",), "Python implementation to lock for (cp, pp, py).", metavar="NAME", group=_TARGET,
           setting="target.implementation", in_lock=True, rare=True),
    Option(("--abi",), "ABI tag to lock for.", "list", "TAG", multiple=True, group=_TARGET, setting="target.abis",
           in_lock=True, rare=True),
    Option(("--minimum-glibc",), "Oldest glibc that a Linux platform without a version stands for.", metavar="VERSION",
           group=_TARGET, setting="target.glibc", default="2.28", in_lock=True, rare=True),
    Option(("--minimum-macos",), "Oldest macOS that a macOS platform without a version stands for.", metavar="VERSION",
           group=_TARGET, setting="target.macos", default="13.0", in_lock=True, rare=True),
    Option(("--fork",), "Of several targets: as few releases of a package as possible, or each target's newest.",
           metavar="NAME", choices=("fewest", "newest"), group=_TARGET, setting="selection.fork", default="fewest",
           in_lock=True, rare=True),
)  # fmt: skip

_UPGRADE = "Upgrade"
UPGRADE = (
    Option(("-U", "--upgrade"), "Upgrade all packages, ignoring pins in existing output files.", "flag", group=_UPGRADE),
    Option(
        ("-P", "--upgrade-package"), "Upgrade this package; a specifier bounds it (a<3).", metavar="NAME", multiple=True,
        group=_UPGRADE,
    ),
    Option(
        ("--upgrade-group",), "Upgrade the packages of this dependency group.", "list", "NAME", multiple=True,
        group=_UPGRADE, rare=True),
)  # fmt: skip

_OUTPUT = "Output"
NO_HASHES = flag_option("--no-hashes", "Omit hashes in formats that allow it.", _OUTPUT)
OUTPUT = (
    Option(
        ("-o", "--output", "--output-file"), "Write this file; its name selects the format. May be repeated.", "path", "FILE",
        multiple=True, group=_OUTPUT,
    ),
    NO_HASHES,
)  # fmt: skip
STYLE = rare(
    flag_option("--generate-hashes", "Write hashes (the default).", _OUTPUT),
    flag_option("--strip-extras", "Omit extras in requirements files.", _OUTPUT),
    flag_option("--no-annotate", "Omit '# via' comments in requirements files.", _OUTPUT),
    Option(
        ("--annotation-style",), "Style of '# via' comments.", metavar="STYLE", choices=("split", "line"), group=_OUTPUT
    ),
    flag_option("--no-header", "Omit the header of requirements files.", _OUTPUT),
    Option(
        ("--custom-compile-command",), "Command to show in the header instead of this one.", metavar="COMMAND",
        group=_OUTPUT,
    ),
)  # fmt: skip
FORMAT = Option(
    ("--format",), "Format of standard output, or of a file whose name does not select one.", metavar="FORMAT",
    choices=("requirements", "pylock", "script", "powershell", "json", "sbom"), group=_OUTPUT,
)  # fmt: skip
CHECK = flag_option("--check", "Check that the lock files are up to date; exit with 3 if not.", _OUTPUT)
DIFF = flag_option("--diff", "Show what would change without writing it.", _OUTPUT)
DIFF_FORMAT = Option(
    ("--diff-format",), "Format of --diff.", metavar="FORMAT", choices=("text", "json", "markdown"), group=_OUTPUT, rare=True
)  # fmt: skip
KEEP_GOING = flag_option("--keep-going", "Write locks even if projects are missing, and mark them.", _OUTPUT, rare=True)

_GENERAL = "General"
CONSOLE = (
    Option(("-v", "--verbose"), "Print more; repeat for every step.", "count", group=_GENERAL),
    Option(("-q", "--quiet"), "Print only warnings; repeat to print only errors.", "count", group=_GENERAL),
    Option(
        ("--color",),
        "Control colors in output.",
        metavar="WHEN",
        choices=("auto", "always", "never"),
        group=_GENERAL,
        rare=True,
    ),
    Option(
        ("--error-format",),
        "Format of error messages.",
        metavar="FORMAT",
        choices=("text", "json"),
        group=_GENERAL,
        rare=True,
    ),
    flag_option("--no-progress", "Do not show progress.", _GENERAL, rare=True),
)

# Options of requirements files and of pip's configuration that this command line does not have.
FILE_ONLY = (
    Option(("-e", "--editable"), "An editable project.", "path", "PROJECT", in_file=True),
    Option(("--hash",), "A hash of the archive.", metavar="HASH", multiple=True, in_file=True),
    Option(("--config-settings",), "A setting for the build backend.", metavar="KEY=VALUE", multiple=True, in_file=True),
    flag_option("--no-require-hashes", "Do not require hashes.", "", "selection.no_require_hashes", pip=True, in_file=True),
    Option(
        ("--use-feature",), "A feature of pip.", "list", "NAME", multiple=True, pip=True, in_file=True,
        setting="pip.use_features",
    ),
)  # fmt: skip

WHERE = (*INDEX, *NETWORK, *MIRROR)
CHOICE = (*SELECTION, *BUILDS, *POLICY)
RESOLVE = (*INPUT, *WHERE, *CHOICE, *TARGET)  # what every command that resolves takes
LOCK_OUTPUT = (*OUTPUT, *STYLE, FORMAT, CHECK, DIFF, DIFF_FORMAT, KEEP_GOING)
ALL = (*RESOLVE, *UPGRADE, *LOCK_OUTPUT, INPUT_FILE, *CONSOLE)  # what a project may set
OPTIONS = {option.dest: option for option in (*ALL, *FILE_ONLY)}
FILE_OPTIONS = tuple([option for option in OPTIONS.values() if option.in_file])
# The four options that name projects, each with the one it excludes.
OPPOSITES = {
    "only_binary": "no_binary",
    "no_binary": "only_binary",
    "all_releases": "only_final",
    "only_final": "all_releases",
}


def find_option(key: str) -> Option | None:
    """Return the shared option of this key, in any of its spellings; None if there is none."""
    option = OPTIONS.get(key.replace("-", "_"))
    if option is not None:
        return option
    return next((option for option in ALL if f"--{key}" in option.names), None)
