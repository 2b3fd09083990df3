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
    while IFS=: read -r page line; do
        line=${line#.Dl } line=${line//\\e/\\} line=${line//\\&/}
        n=$((n + 1))
        mkdir "example-$n"
        cp -R "$MGEN_ROOT/share" "example-$n"
        status=0
        (cd "example-$n" && bash -o pipefail -c "$line" >"../out-$n" 2>"../err-$n" </dev/null) || status=$?
        [ "$status" -eq 0 ] || [ "$status" -eq 141 ] || { # 141: the reader, head, had enough
            failed=$((failed + 1))
            echo "$(basename "$page"): $line"
            head -n 5 "err-$n"
        }
    done < <(for page in "$MGEN_ROOT"/docs/man/*.[157]; do
        sed -n '/^\.Sh EXAMPLES/,/^\.Sh/p' "$page" | grep '^\.Dl ' | sed "s|^|$page:|"
    done)
    echo "$n examples, $failed failed"
    [ "$n" -gt 0 ] && [ "$failed" -eq 0 ]
}
