#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Man pages are well-formed, and every command of an EXAMPLES section runs as it stands there, from the repository's root.
load helpers

@test "man pages have no errors" {
    for page in "$MGEN_ROOT/${BUILD:-build}"/man/*; do
        run mandoc -Tlint -Werror "$page"
        assert_success
    done
}

@test "every example runs" {
    local failed=0 n=0
    for page in "$MGEN_ROOT"/docs/man/*.[157]; do
        cp -R "$MGEN_ROOT/share" . 2>/dev/null || true
        while IFS= read -r line; do
            line=${line#.Dl } line=${line//\\e/\\} line=${line//\\&/}
            n=$((n + 1))
            bash -o pipefail -c "$line" >out 2>err </dev/null || {
                failed=$((failed + 1))
                echo "$(basename "$page"): $line"; head -n 5 err
            }
        done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh/p' "$page" | grep '^\.Dl ')
    done
    echo "$n examples, $failed failed"
    [ "$n" -gt 0 ] && [ "$failed" -eq 0 ]
}
