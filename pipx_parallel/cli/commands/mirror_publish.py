"""``mirror publish``: the mirror as static files for any web server."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from mirror.errors import NotInstalled
from pipx_parallel.cli.cache_folder import cache_folder
from pipx_parallel.cli.context import begin
from pipx_parallel.cli.numbers import number
from pipx_parallel.cli.policy import governed
from pipx_parallel.cli.request import settings_of
from pipx_parallel.cli.wording import count, size
from pipx_parallel.config.option import Argument, Option, flag_option, rare
from pipx_parallel.config.options import CHOICE, INDEX, MIRROR, NETWORK
from pipx_parallel.errors import UsageError
from pipx_parallel.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirror.exchange.publish_writer import Sign

PAGES = flag_option(
    "--no-pages", "Write only the records for --mirror, neither Simple API pages nor pages for people.", "Options"
)
GRACE = Option(
    ("--grace",),
    "Keep a file that is not needed any more for this many seconds, so that a client may finish what it began (default 86400).",
    metavar="SECONDS",
)
SIGN_KEY = Option(
    ("--sign-key",),
    "Sign the index with a secret key of minisign (made with minisign -G -W; extra signing), for --mirror URL#minisign=KEY.",
    "path",
    "FILE",
)
OPTIONS = (PAGES, GRACE, SIGN_KEY, *MIRROR, *CHOICE, *rare(*INDEX, *NETWORK))
ARGUMENTS = (Argument("folder", "FOLDER"),)


def run(values: Mapping[str, object]) -> int:
    """Write the mirror into FOLDER: records for --mirror http://…, Simple API pages for pip and uv.

    FOLDER may be in an object store (s3://BUCKET/PREFIX, gs://…, az://…; extra object-store): then only records are written.
    A second run makes and writes only what has changed; --refresh makes all of it anew. The policy ([tool.pipx-parallel.policy] and
    its options) decides what is written, as it stands at the time of the run.
    """
    from mirror.exchange.maintenance import refuse_damaged
    from mirror.exchange.publish import publish  # here and below: only what this command needs
    from mirror.exchange.publish_memo import PublishMemo
    from mirror.exchange.publish_target import FolderTarget
    from mirror.server.static_site import static_pages
    from mirror.session.open_store import open_store, open_target

    folder = str(values["folder"])
    context = begin(values, OPTIONS)
    grace = number(context.chosen, "grace", "seconds")
    key = context.chosen.text("sign_key")
    sign = _signer(key) if key else None
    settings = settings_of(context)
    target = open_target(folder)
    with closing(open_store(settings.mirror.location)) as store:
        shown = governed(settings, store)
        only_records = context.chosen.flag("no_pages") or not isinstance(target, FolderTarget)
        pages = None if only_records else static_pages(shown, VERSION)
        remembers = shown is store and not settings.mirror.refresh  # what a policy admits changes with time
        memo = PublishMemo(
            _memo_path(settings.mirror.location, target.label) if remembers else "", pages=pages is not None
        )
        done = publish(
            shown,
            target,
            time.time(),
            pages=pages,
            grace=86400.0 if grace is None else grace,
            memo=memo,
            check=lambda names: refuse_damaged(store, names),
            sign=sign,
        )
    context.printer.say(
        f"published to {folder}: {count(done.written, 'file')} written ({size(done.size)}), {done.unchanged} unchanged,"
        f" {done.removed} removed"
    )
    if done.partial:
        context.printer.warn(
            f"{count(done.partial, 'page')} of {folder}/simple lack older releases: the mirror has no files of them; "
            "`mirror warm` fetches all"
        )
    return 0


def _signer(path: str) -> Sign:
    """Return what signs with the key in a file. Raises ``UsageError``, ``StoreError`` or ``NotInstalled``."""
    try:
        from mirror.exchange.minisign import SecretKey
    except ImportError as error:
        raise NotInstalled("--sign-key needs the extra: pip install 'pipx-parallel[signing]'") from error
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--sign-key {path}: cannot be read ({error})") from None
    return SecretKey.parse(text, path).sign


def _memo_path(mirror: str, target: str) -> str:
    """Return the file that says what the last publication made of each record; it is of one version of this program."""
    text = "\n".join((VERSION, os.path.abspath(mirror), os.path.abspath(target)))
    folder = os.path.join(cache_folder(), "publications")
    with suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, hashlib.blake2s(text.encode(), digest_size=16).hexdigest())
