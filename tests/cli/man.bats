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

@test "mgen-records(5) names the kinds that have a schema, and no others" {
    sed -n '/^\.Ss Kinds/,/^\.El/s/^\.It Cm //p' "$MGEN_ROOT/docs/man/mgen-records.5" | tr -d ' ' | tr , '\n' | sort >named
    for schema in "$MGEN_ROOT"/share/schema/*.json; do basename "$schema" .json; done | sort >described
    diff named described
}

# examples PAGE: its commands as a reader sees and copies them.
examples() {
    mandoc -Tutf8 -O width=1000 "$1" | sed 's/.\x08//g' | sed -n '/^EXAMPLES/,/^[A-Z]/p' | sed -n 's/^ \{8,\}\([^ ]\)/\1/p' |
        sed "s|^|$1:|"
}

@test "every example runs, as it is shown" {
    local failed=0 n=0
    while IFS=: read -r page line; do
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
    done < <(for page in "$MGEN_ROOT/${BUILD:-build}"/man/*; do examples "$page"; done)
    echo "$n examples, $failed failed"
    [ "$n" -eq "$(cat "$MGEN_ROOT"/docs/man/* | grep -c '^\.Dl ')" ] && [ "$failed" -eq 0 ]
}
