#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Other compilers, sanitizers and processor classes.
bats_require_minimum_version 1.5.0

setup() {
    cd "$MGEN_ROOT" || return 1
    unset MAKEFLAGS MFLAGS
    jobs=$(nproc)
}

# tested BUILD PATTERN: the tests of another build; what failed is shown.
tested() { BUILD=$1 RESULTS=$1/tested LONG='' tests/run "$2" >"$1/tested.log" 2>&1 || { sed -n '/^failed:/,$p' "$1/tested.log"; return 1; }; }

@test "gcc and clang build everything without a warning" {
    command -v clang || skip "clang is not there"
    for cc in gcc clang; do
        make -j"$jobs" CC=$cc BUILD=build/warn-$cc WERROR=1 tests >build/warn-$cc.log 2>&1 || { tail -n 20 build/warn-$cc.log; return 1; }
    done
    tested build/warn-clang 'unit|fuzz|grad|cli'
}

@test "all tests pass under AddressSanitizer and UndefinedBehaviorSanitizer" {
    make -j"$jobs" BUILD=build/san SAN=address,undefined OPT=-O1 WERROR=1 tests >build/san.log 2>&1 || { tail -n 20 build/san.log; return 1; }
    tested build/san 'unit|fuzz|grad|parity|cli'
}

@test "every processor class of this machine passes the tests of the compute core" {
    for class in $(build/bin/mgen-info --system --no-provenance </dev/null | jq -r '.classes[].class'); do
        MG_CPU=$class tested build 'grad|unit-(kernel|graph|train|sample|synth)|cli-mgen-(train|gen)' || { echo "MG_CPU=$class"; return 1; }
    done
}
