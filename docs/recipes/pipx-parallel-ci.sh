#!/bin/sh
# Checks in CI that a lock still answers its sources, and carries the mirror of metadata from one run to the next as one file.
#
#     sh pipx-parallel-ci.sh [SOURCE...]
#
# Steps: restore the snapshot, warm the mirror, check the lock and write what would change as Markdown, save the snapshot where
# something new was learned. Needs a POSIX shell and the command pipx-parallel. What is not set has the default in brackets:
#
#   LOCK       the lock to check [pylock.toml]
#   SNAPSHOT   the file that carries the mirror; with a slash at its end a folder, which is the mirror itself: nothing is
#              packed, and more is carried [.pipx-parallel/mirror.snap]
#   DIFF       where the Markdown goes [.pipx-parallel/diff.md]
#   SUMMARY    a file to append the Markdown to, such as a job summary [none]
#   FLAGS      more options for warming and locking, "--python-version 3.13" say [none]
#   PIPX_PARALLEL_MIRROR, PIPX_PARALLEL_INDEX_URL and so on count as everywhere [mirror: beside the snapshot]
#
# Exit codes are those of pipx-parallel: 0 the lock is fresh, 3 it is stale, others as in README.md.
set -eu

LOCK=${LOCK:-pylock.toml}
SNAPSHOT=${SNAPSHOT:-.pipx-parallel/mirror.snap}
DIFF=${DIFF:-.pipx-parallel/diff.md}
SUMMARY=${SUMMARY:-}
FLAGS=${FLAGS:-}
mkdir -p "$(dirname "$SNAPSHOT")" "$(dirname "$DIFF")"
case $SNAPSHOT in
    */) packed=no PIPX_PARALLEL_MIRROR=$SNAPSHOT ;;
    *) packed=yes PIPX_PARALLEL_MIRROR=${PIPX_PARALLEL_MIRROR:-$(dirname "$SNAPSHOT")/mirror} ;;
esac
export PIPX_PARALLEL_MIRROR

say() { printf '%s\n' "pipx-parallel-ci: $*" >&2; }

# Run the tool and remember how it ended, so that what comes after a failure still happens.
status=0
try() {
    code=0
    "$@" || code=$?
    [ "$status" -ne 0 ] || status=$code
    return "$code"
}

restore() {
    if [ "$packed" = no ]; then
        return 0
    elif [ ! -s "$SNAPSHOT" ]; then
        say "no snapshot in $SNAPSHOT: starting with an empty mirror"
    elif ! pipx-parallel mirror import "$SNAPSHOT"; then
        say "the snapshot in $SNAPSHOT is of no use: starting without it"
        rm -f "$SNAPSHOT"
    fi
}

# shellcheck disable=SC2086 # FLAGS is a list of words
warm() {
    try pipx-parallel mirror warm -v $FLAGS "$@" 2>"$DIFF.log" || :
    cat "$DIFF.log" >&2
    # "bytes 0": the index had nothing to tell but that nothing changed.
    news=yes
    ! grep -q ', bytes 0, ' "$DIFF.log" || news=no
    rm -f "$DIFF.log"
}

# A lock that is as it was made, from what it was made of, is fresh at a glance. Any other is solved, from the mirror alone.
# shellcheck disable=SC2086
check() {
    pipx-parallel lock $FLAGS "$@" -o "$LOCK" --offline --check -q 2>"$DIFF" ||
        try pipx-parallel lock $FLAGS "$@" -o "$LOCK" --offline --check --diff --diff-format markdown >"$DIFF" || :
}

report() {
    case $status in
        0) verdict="**$LOCK is fresh.**" ;;
        3) verdict="**$LOCK is stale.** \`pipx-parallel lock\` would change it like this:" ;;
        *) verdict="**$LOCK could not be checked** (exit code $status, see the log)." ;;
    esac
    { printf '### Lock\n\n%s\n\n' "$verdict" && cat "$DIFF"; } >"$DIFF.new"
    mv "$DIFF.new" "$DIFF"
    [ -z "$SUMMARY" ] || cat "$DIFF" >>"$SUMMARY"
}

save() {
    if [ "$packed" = no ]; then
        return 0
    elif [ "$news" = no ] && [ -s "$SNAPSHOT" ]; then
        say "nothing new: $SNAPSHOT stays as it is"
    else
        try pipx-parallel mirror export --files all "$SNAPSHOT" || :
    fi
}

restore
warm "$@"
[ "$status" -ne 0 ] || check "$@"
[ -e "$DIFF" ] || : >"$DIFF"
report
save
exit "$status"
