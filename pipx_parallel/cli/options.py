"""Every option of every command, as data.

From this table the click commands are made (``app``), the fast parser reads plain invocations (``fast``), and variables
and project settings are understood (``places``). Values stay text: they are checked in ``pipx_parallel.config.settings``,
whichever place they came from. Where pip has an option, the name is pip's.
"""

from __future__ import annotations

from typing import NamedTuple


class Option(NamedTuple):
    """One option.

    ``kind`` is "text", "path" (relative ones count from the file they stand in), "list" (text; a variable's words are
    its values), "flag" or "count".
    """

    names: tuple[str, ...]
    help: str
    kind: str = "text"
    metavar: str = "TEXT"
    multiple: bool = False
    choices: tuple[str, ...] = ()

    @property
    def dest(self) -> str:
        """Return the option's one name: its first long one, with underscores."""
        return next(name for name in self.names if name.startswith("--"))[2:].replace("-", "_")


class Argument(NamedTuple):
    """One positional argument; ``many`` takes none or more and must be the last."""

    dest: str
    metavar: str
    many: bool = False


SOURCES = Argument("sources", "SOURCE", many=True)

CONSOLE = (
    Option(("-v", "--verbose"), "Say more: where the time went; twice, every step.", "count"),
    Option(("-q", "--quiet"), "Say less: only warnings; twice, only errors.", "count"),
    Option(("--color",), "Colour what is said.", metavar="WHEN", choices=("auto", "always", "never")),
    Option(("--error-format",), "How an error is told on stderr.", metavar="FORMAT", choices=("text", "json")),
    Option(("--no-progress",), "Draw no progress line, even on a terminal.", "flag"),
)
INPUT = (
    Option(("-r", "--requirement"), "Read this requirements file (as a SOURCE).", "path", "FILE", multiple=True),
    Option(("-c", "--constraint"), "Bound versions by this constraints file.", "path", "FILE", multiple=True),
    Option(("--packages",), 'Requirements, comma-separated: "a,b>=1".', metavar="LIST", multiple=True),
    Option(("--extra",), "An extra of the project to include.", "list", "NAME", multiple=True),
    Option(("--group",), "A dependency group to include (PEP 735).", "list", "NAME", multiple=True),
    Option(("--build-requires",), "Also what the project's build needs.", "flag"),
    Option(("--override",), "A requirement to use whatever others say.", metavar="REQUIREMENT", multiple=True),
    Option(("--exclude",), "A project to leave out, whoever asks for it.", "list", "NAME", multiple=True),
)
INDEX = (
    Option(("-i", "--index-url"), "The index (default: what pip is configured for).", metavar="URL"),
    Option(("--extra-index-url",), "One more index.", "list", "URL", multiple=True),
    Option(("-f", "--find-links"), "A folder or page of files.", "list", "PLACE", multiple=True),
    Option(("--no-index",), "Use no index, only --find-links.", "flag"),
    Option(
        ("--index-strategy",),
        "Of several indexes, the first that has a project, or the best release of all.",
        metavar="NAME",
        choices=("first-index", "best-match"),
    ),
    Option(("--trusted-host",), "A host to trust without a valid certificate.", "list", "HOST", multiple=True),
    Option(("--cert",), "A bundle of certificates to trust.", "path", "FILE"),
    Option(("--client-cert",), "A client certificate, with its key.", "path", "FILE"),
    Option(("--proxy",), "The proxy to use.", metavar="URL"),
    Option(
        ("--keyring-provider",),
        "Where to ask for credentials once an index wants some.",
        metavar="NAME",
        choices=("auto", "disabled", "import", "subprocess"),
    ),
    Option(("--timeout",), "Seconds of silence after which an attempt has failed (15).", metavar="SECONDS"),
    Option(("--retries",), "How often a failed request is tried again (5).", metavar="N"),
    Option(
        ("--max-workers",),
        'How much is fetched at once: 1-50, or "auto" (the default): as much as the index bears.',
        metavar="N",
    ),
    Option(
        ("--transport",),
        "What moves the bytes: libcurl, else requests (auto), or what is named.",
        metavar="NAME",
        choices=("auto", "curl", "requests", "aiohttp"),
    ),
)
MIRROR = (
    Option(("--mirror",), "The mirror: a folder, or the URL of a shared one.", "path", "PLACE"),
    Option(("--offline",), "Ask no index; the mirror must have it all.", "flag"),
    Option(("--refresh",), "Ask the index anew about everything used.", "flag"),
)
CHOICE = (
    Option(("--pre",), "Allow pre-releases.", "flag"),
    Option(("--all-releases",), 'Allow pre-releases of these (":all:").', "list", "NAMES", multiple=True),
    Option(("--only-final",), 'Refuse pre-releases of these (":all:").', "list", "NAMES", multiple=True),
    Option(("--prefer-binary",), "Prefer an older wheel to a newer source archive.", "flag"),
    Option(("--only-binary",), 'Use only wheels for these (":all:").', "list", "NAMES", multiple=True),
    Option(("--no-binary",), 'Use no wheels for these (":all:").', "list", "NAMES", multiple=True),
    Option(("--no-build",), "Run no build backend; what cannot be known without is an error.", "flag"),
    Option(("--no-build-isolation",), "Build with what is installed beside this tool.", "flag"),
    Option(("--build-timeout",), "Seconds that one build may take (600).", metavar="SECONDS"),
    Option(("--require-hashes",), "Refuse what no hash is known for.", "flag"),
    Option(("--no-deps",), "Lock what is asked for, not what that needs.", "flag"),
    Option(
        ("--uploaded-prior-to", "--exclude-newer"),
        "See only what was there then: a date, a time, or an age (P7D).",
        metavar="WHEN",
    ),
    Option(
        ("--uploaded-prior-to-package", "--exclude-newer-package"),
        "The same for one project: NAME=WHEN, or NAME=off.",
        metavar="NAME=WHEN",
        multiple=True,
    ),
    Option(
        ("--resolution",), "Which releases to prefer.", metavar="NAME", choices=("highest", "lowest", "lowest-direct")
    ),
)
TARGET = (
    Option(("--python-version",), "Lock for this Python (3.13 or 3.13.1).", metavar="VERSION"),
    Option(("--platform",), "Lock for this platform tag.", "list", "TAG", multiple=True),
    Option(("--implementation",), "Lock for this implementation (cp, pp, py).", metavar="NAME"),
    Option(("--abi",), "Lock for this ABI tag.", "list", "TAG", multiple=True),
)
KEEP = (
    Option(("-U", "--upgrade"), "Choose everything anew; keep no existing pin.", "flag"),
    Option(("-P", "--upgrade-package"), "Choose this project anew (may bound it: a<3).", metavar="NAME", multiple=True),
    Option(("--upgrade-group",), "Choose anew what this dependency group asks for.", "list", "NAME", multiple=True),
)
NO_HASHES = Option(("--no-hashes",), "Write no hashes where the format can do without.", "flag")
OUTPUT = (
    Option(
        ("-o", "--output"),
        "Write here; the file's name says the format (several allowed).",
        "path",
        "FILE",
        multiple=True,
    ),
    NO_HASHES,
)
INPUT_FILE = Option(("--input-file",), "Read this file (as a SOURCE).", "path", "FILE", multiple=True)
FORMAT = Option(
    ("--format",),
    "What is written to stdout, or to a file whose name does not say.",
    metavar="FORMAT",
    choices=("requirements", "pylock", "script", "powershell", "json", "sbom"),
)
CHECK = Option(("--check",), "Write nothing; exit 3 where a lock no longer answers its inputs.", "flag")
DIFF = Option(("--diff",), "Write nothing; show what would change.", "flag")
DIFF_FORMAT = Option(
    ("--diff-format",), "How --diff is written.", metavar="FORMAT", choices=("text", "json", "markdown")
)
KEEP_GOING = Option(("--keep-going",), "Write locks even where projects are missing, and mark these in them.", "flag")

WHERE = (*INDEX, *MIRROR)
RESOLVE = (*INPUT, *WHERE, *CHOICE, *TARGET)  # what every command that resolves takes
ALL = (
    *RESOLVE,
    *KEEP,
    *OUTPUT,
    INPUT_FILE,
    FORMAT,
    CHECK,
    DIFF,
    DIFF_FORMAT,
    KEEP_GOING,
    *CONSOLE,
)  # what a project may set


def by_dest(options: tuple[Option, ...]) -> dict[str, Option]:
    """Return the options by their one name."""
    return {option.dest: option for option in options}
