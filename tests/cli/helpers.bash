# SPDX-License-Identifier: MIT
# What all bats files load: assertions, a scratch folder for each test, and a check of records against their schemas.
bats_load_library bats-support 2>/dev/null || load /usr/lib/bats/bats-support/load
bats_load_library bats-assert 2>/dev/null || load /usr/lib/bats/bats-assert/load

MGEN_ROOT=${MGEN_ROOT:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
PATH=$MGEN_ROOT/${BUILD:-build}/bin:$PATH
TUNES=$MGEN_ROOT/share/tunes
DATA=$MGEN_ROOT/../shared/data
export LC_ALL=C.UTF-8

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# need FILE: skip the test where real music or another file is absent.
need() { [ -e "$1" ] || skip "${1#"$MGEN_ROOT/"} is not there"; }

# valid_records FILE: every line is a record that follows its schema.
valid_records() {
    local wrong
    jq -s . "$MGEN_ROOT"/share/schema/*.json >"$BATS_TEST_TMPDIR/schemas" || return 1
    wrong=$(jq -r --slurpfile list "$BATS_TEST_TMPDIR/schemas" -f <(
        echo '($list[0]) as $schemas |'; cat "$MGEN_ROOT/tests/cli/schema.jq") "$1" 2>&1 | sort | uniq -c | head -n 20)
    [ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

# kinds FILE: how many records of each kind, "3 piece" a line.
kinds() { jq -r .kind "$1" | sort | uniq -c | sed 's/^ *//'; }

# tools: the name of every tool that was built.
tools() { for t in "$MGEN_ROOT/${BUILD:-build}"/bin/mgen-*; do basename "$t"; done; }

# is_sanitised: AddressSanitizer takes room and time of its own, which tests of limits leave to it.
is_sanitised() { grep -q __asan_init "$MGEN_ROOT/${BUILD:-build}/bin/mgen-info"; }

# as_nobody COMMAND...: without root's powers, which would write into read-only folders.
as_nobody() {
    if [ "$(id -u)" -ne 0 ]; then "$@"; else setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; fi
}

# interrupted COMMAND...: after a second it gets SIGINT, and ends with 130 well before it would be done.
interrupted() {
    local status=0 pid
    (trap - INT; exec "$@" >out 2>err) &
    pid=$!
    sleep 1
    kill -INT $pid
    for _ in $(seq 600); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done
    kill -KILL $pid 2>/dev/null || true
    wait $pid || status=$?
    [ "$status" -eq 130 ] || { echo "$*: exit $status"; cat err; return 1; }
}

# await COMMAND...: until it succeeds, for twenty seconds at most.
await() {
    for _ in $(seq 400); do ! "$@" || return 0; sleep 0.05; done
    echo "in vain: $*"
    return 1
}
