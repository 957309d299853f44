#!/bin/sh
# Check in CI that a lock is up to date, and keep the metadata mirror between runs as one file.
#
#     sh pipx-parallel-ci.sh [SOURCE...]
#
# Steps: restore the snapshot, warm the mirror, check the lock and write the changes as Markdown, save the snapshot if there is
# something new. Needs a POSIX shell and the command pipx-parallel. Variables, with their defaults in brackets:
#
#   LOCK       the lock to check [pylock.toml]
#   SNAPSHOT   the snapshot file of the mirror; with a slash at the end, the folder of the mirror itself, which needs no packing
#              and is larger [.pipx-parallel/mirror.snap]
#   DIFF       the file for the Markdown [.pipx-parallel/diff.md]
#   SUMMARY    a file to append the Markdown to, such as a job summary [none]
#   FLAGS      more options for warming and locking, such as "--python-version 3.13" [none]
#   PIPX_PARALLEL_MIRROR, PIPX_PARALLEL_INDEX_URL and so on work as usual [mirror: beside the snapshot]
#
# Exit codes are those of pipx-parallel: 0 the lock is up to date, 3 it is not, others as in docs/exit-codes.md.
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

# Run the tool and store its exit code, so that later steps run even after a failure.
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
        say "the snapshot in $SNAPSHOT cannot be used: starting without it"
        rm -f "$SNAPSHOT"
    fi
}

# shellcheck disable=SC2086 # FLAGS is a list of words
warm() {
    try pipx-parallel mirror warm -v $FLAGS "$@" 2>"$DIFF.log" || :
    cat "$DIFF.log" >&2
    # "fetched nothing": the index only confirmed that nothing has changed.
    news=yes
    ! grep -q 'fetched nothing' "$DIFF.log" || news=no
    rm -f "$DIFF.log"
}

# A lock whose inputs and content are unchanged is confirmed by its digest. Any other is resolved, from the mirror alone.
# shellcheck disable=SC2086
check() {
    pipx-parallel lock $FLAGS "$@" -o "$LOCK" --offline --check -q 2>"$DIFF" ||
        try pipx-parallel lock $FLAGS "$@" -o "$LOCK" --offline --check --diff --diff-format markdown >"$DIFF" || :
}

report() {
    command="pipx-parallel lock${FLAGS:+ $FLAGS}${*:+ $*} -o $LOCK"
    case $status in
        0) verdict="**$LOCK is up to date.**" ;;
        3) verdict="**$LOCK is out of date.** Run \`$command\` to update it." ;;
        *) verdict="**$LOCK could not be checked** (exit code $status, see the log)." ;;
    esac
    # The changes have a heading of their own, which this one replaces.
    { printf '### Lock changes\n\n%s\n\n' "$verdict" && sed -e '1{/^### /d;}' "$DIFF"; } | cat -s >"$DIFF.new"
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
report "$@"
save
exit "$status"
