#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The contract of the command line, held to by every tool that was built (docs/ADDING-A-TOOL.md). Each test goes through
# all tools and names the one that broke it.
load helpers
load samples

# each COMMAND...: call it with every tool's name; all that fail are named.
each() {
    local failed=()
    for tool in $(tools); do "$@" "$tool" || failed+=("$tool"); done
    [ ${#failed[@]} -eq 0 ] || { echo "not kept by: ${failed[*]}"; return 1; }
}

# expect STATUS COMMAND...: stdout in out, stderr in err.
expect() {
    local want=$1 got=0
    shift
    "$@" >out 2>err || got=$?
    [ "$got" -eq "$want" ] || { echo "$*: exit $got, not $want"; head -c 2000 err; return 1; }
}

# without_clock FILE: its records without what a clock says, which may differ.
without_clock() { jq -c 'if .kind == "step" then del(.seconds, .tokens_per_s, .peak_share, .eta_s) else . end' "$1"; }

option_names() { "$1" --help-json | jq -r '.options[].name'; }

@test "every tool has a sample, a man page and tests of its own" {
    check() {
        declare -F "sample_$1" >/dev/null || { echo "$1: no sample in tests/cli/samples.bash"; return 1; }
        [ -e "$MGEN_ROOT/docs/man/$1.1" ] || { echo "$1: no docs/man/$1.1"; return 1; }
        [ -e "$MGEN_ROOT/tests/cli/$1.bats" ] || { echo "$1: no tests/cli/$1.bats"; return 1; }
    }
    each check
}

@test "help goes to standard output, says usage, options and exit status" {
    check() {
        expect 0 "$1" --help && [ ! -s err ] && grep -q "^usage: $1 " out && grep -q 'Exit status' out &&
            expect 0 "$1" -h && expect 0 "$1" --frobnicate --help
    }
    each check
}

@test "the version is told" {
    check() { expect 0 "$1" --version && grep -qE "^$1 \(mgen\) [0-9]+\.[0-9]+" out && expect 0 "$1" -V; }
    each check
}

@test "wrong usage exits 2, speaks on standard error and names what is near" {
    check() {
        expect 2 "$1" --treads 2 && grep -q 'did you mean --threads' err && [ ! -s out ] &&
            expect 2 "$1" --threads x && grep -q "'x'" err && expect 2 "$1" --threads 0 &&
            expect 2 "$1" --threads && expect 2 "$1" --progress autp && grep -q "did you mean 'auto'" err &&
            expect 2 "$1" --shard 3/2 && expect 2 "$1" -% && grep -q 'no option -%' err &&
            expect 2 "$1" -Zq && grep -q 'no option -Z' err && expect 2 "$1" --quiet=3 &&
            grep -q -- '--quiet takes no argument' err && expect 2 "$1" --he && grep -q 'could be --help, --help-json' err &&
            expect 2 "$1" -j && grep -q -- '-j wants an argument' err || return 1
        for allowed in many nan inf -1 500% 3x; do expect 2 "$1" --allow-errors $allowed || return 1; done
    }
    each check
}

@test "an instruction set that is none, or that the machine lacks, is refused" {
    for tool in $(tools); do
        MG_CPU=avx3 run -2 "$tool" --progress none </dev/null
        [[ "$output" == *"MG_CPU=avx3: choose from baseline, avx2, avx512"* ]]
    done
}

@test "help, JSON, man page and completions tell of the same options" {
    check() {
        local name
        "$1" --help >help; "$1" --help-json >json; "$1" --help-bash >bash; "$1" --help-zsh >zsh
        jq -e '.tool and .options' json >/dev/null || return 1
        bash -n bash || return 1
        for name in $(option_names "$1"); do
            grep -q -- "--$name" help && grep -q -- "--$name" bash && grep -q -- "--$name" zsh &&
                grep -qF "Fl Fl $name" "$MGEN_ROOT/${BUILD:-build}/man/$1.1" || { echo "$1: --$name"; return 1; }
        done
    }
    each check
}

@test "the options that all tools share are there" {
    check() {
        local names inputs='files0-from shard allow-errors lenient'
        names=$(option_names "$1")
        [ "$1" != mgen-gen ] || inputs= # it has none
        # shellcheck disable=SC2086
        for name in help version quiet verbose threads seed force table no-provenance progress $inputs; do
            grep -qx "$name" <<<"$names" || { echo "$1 lacks --$name"; return 1; }
        done
    }
    each check
}

@test "records follow their schemas, the run record first" {
    make_corpus
    check() {
        expect 0 "sample_$1" && [ -s out ] && valid_records out &&
            [ "$(head -n 1 out | jq -r '.kind + " " + .tool')" = "run $1" ] || return 1
        [ "$(jq -r 'select(.kind == "run") | .tool' out | grep -c "^$1$")" -eq 1 ]
    }
    each check
}

@test "--no-provenance leaves the run record out" {
    make_corpus
    check() { expect 0 "sample_$1" --no-provenance && [ "$(jq -r 'select(.kind == "run") | .tool' out | grep -c "^$1$")" -eq 0 ]; }
    each check
}

@test "one thread or more, the bytes are the same" {
    make_corpus
    check() {
        for j in 1 2 7; do
            expect 0 "sample_$1" --no-provenance -j $j || return 1
            without_clock out >"out-$j"
        done
        cmp out-1 out-2 && cmp out-1 out-7
    }
    each check
}

@test "a full disk is said, exit 3" {
    make_corpus
    full() { "sample_$1" >/dev/full; }
    check() { expect 3 full "$1" && grep -q 'No space left' err; }
    each check
}

@test "a closed standard output is an error where something was to be written" {
    make_corpus
    closed() { "sample_$1" >&-; }
    check() { expect 3 closed "$1"; }
    each check
}

@test "a reader that goes away ends the tool quietly" {
    make_corpus
    make_model
    check() {
        local status
        { "sample_$1" 2>err; echo $? >status; } | true
        status=$(cat status)
        case $status in 0 | 141 | 3) ;; *) echo "$1: exit $status"; return 1 ;; esac
        (trap '' PIPE; { "sample_$1" 2>err; echo $? >status; } | true)
        status=$(cat status)
        case $status in 0 | 3) ;; *) echo "$1, SIGPIPE ignored: exit $status"; return 1 ;; esac
        ! grep -qi 'pipe' err || { cat err; return 1; }
    }
    each check
}

@test "a missing input is an error record, the others are used, exit 1" {
    make_corpus
    check() {
        takes_music "$1" || return 0
        expect 1 "sample_$1" no-such-file.mid && valid_records out &&
            jq -se 'any(.kind == "error" and .path == "no-such-file.mid" and (.error | test("No such file")))' out >/dev/null &&
            expect 0 "sample_$1" no-such-file.mid --allow-errors 1 && expect 1 "sample_$1" nope nada --allow-errors 1 &&
            expect 0 "sample_$1" no-such-file.mid --allow-errors 90%
    }
    each check
}

@test "names come from a list, ended by NUL" {
    make_corpus
    check() {
        takes_music "$1" || return 0
        rm -rf list && mkdir list && cp corpus/plain.mid list/a.mid && cp corpus/plain.mid $'list/b\nc.mid'
        find list -name '*.mid' -print0 | sort -z >names
        expect 0 "sample_$1" --files0-from names && grep -q 'b\\nc.mid' out && grep -q 'list/a.mid' out || return 1
        expect 0 "sample_$1" -0 - <names && grep -q 'b\\nc.mid' out || return 1
        printf 'list/a.mid\nlist/b.mid\n' >names
        expect 2 "sample_$1" --files0-from names && grep -q 'a NUL is wanted' err
    }
    each check
}

@test "odd file names survive the round trip" {
    mkdir corpus
    long=$(printf 'n%.0s' $(seq 251))
    for name in $'new\nline' -dash $'\xff\xfe' '%s%n' 'sp  ace' "quote'\"" "$long"; do
        cp "$MGEN_ROOT/tests/fuzz/corpus/midi/plain" "corpus/$name.mid"
    done
    check() {
        takes_music "$1" || return 0
        expect 0 "sample_$1" --no-provenance && valid_records out || return 1
        # paths that records name must be files
        jq -r 'select(.path) | (.path_b64 // (.path | @base64))' out | sort -u | while read -r code; do
            path=$(printf %s "$code" | base64 -d; echo .)
            [ -e "${path%.}" ] || { echo "$1: there is no $(printf %q "${path%.}")"; exit 1; }
        done
    }
    each check
}

@test "shards part the inputs" {
    make_corpus
    check() {
        takes_music "$1" || return 0
        case $1 in mgen-dedup) return 0 ;; esac # compares what it is given
        expect 0 "sample_$1" --no-provenance && jq -r '.path // empty' out | sort >whole || return 1
        for i in 1 2 3; do
            expect 0 "sample_$1" --no-provenance --shard $i/3 && jq -r '.path // empty' out || return 1
        done | sort >parts
        cmp whole parts
    }
    each check
}

@test "--progress json writes progress records to standard error" {
    make_corpus
    check() {
        expect 0 "sample_$1" --progress json || return 1
        grep '^{' err >progress && valid_records progress
    }
    each check
}

@test "records feed every tool that takes music" {
    make_corpus
    mgen-prep --encoding performance388 corpus >records
    check() {
        takes_music "$1" || return 0
        case $1 in mgen-render) set -- "$1" --rate 8000 --synth built-in -o wav --force --max-seconds 1 ;; esac
        "$@" <records >out 2>err || { echo "$*: exit $?"; cat err; return 1; }
        valid_records out
    }
    each check
}

@test "what is done is told at once, though the pipe it came from stays open" {
    make_corpus
    check() {
        local pid tries status=0
        takes_music "$1" || return 0
        case $1 in mgen-dedup | mgen-info) return 0 ;; esac # they speak at the end
        case $1 in mgen-render) set -- mgen-render --synth built-in --rate 8000 --force -o wav ;; esac
        rm -f fifo && mkfifo fifo
        "$@" - <fifo >out 2>err &
        pid=$!
        exec 9>fifo
        mgen-prep --encoding performance388 --min-tokens 0 corpus/plain.mid >&9
        for ((tries = 0; tries < 600; tries++)); do
            [ "$(grep -c plain out)" -gt 0 ] && break
            sleep 0.1
        done
        exec 9>&-
        wait $pid || status=$?
        [ "$tries" -lt 600 ] && [ "$status" -eq 0 ] || { echo "$1: nothing came, exit $status"; return 1; }
    }
    each check
}

@test "a signal ends the tool with its number and leaves nothing behind" {
    make_corpus
    check() {
        local signal number pid status
        takes_music "$1" || return 0
        for signal in TERM:143 INT:130; do
            rm -f fifo; mkfifo fifo
            case $1 in mgen-render) set -- mgen-render -o wav ;; esac
            (trap - INT; exec "$@" - <fifo >out 2>err) &
            pid=$!
            exec 9>fifo
            printf '{"kind":"piece"' >&9
            sleep 0.2
            kill -"${signal%:*}" $pid
            exec 9>&-
            status=0
            wait $pid || status=$?
            [ "$status" -eq "${signal#*:}" ] || { echo "$1: ${signal%:*} gave exit $status"; cat err; return 1; }
        done
        [ -z "$(find . -name '.mgen-*')" ]
    }
    each check
}

@test "standard input without anything is no failure where nothing is needed" {
    check() {
        takes_music "$1" || return 0
        case $1 in mgen-render) set -- mgen-render -o wav ;; esac
        expect 0 "$@" </dev/null
    }
    each check
}

@test "another locale changes nothing" {
    make_corpus
    check() {
        expect 0 "sample_$1" --no-provenance && without_clock out >plain || return 1
        for locale in de_DE tr_TR; do
            LC_ALL=$locale.UTF-8 expect 0 "sample_$1" --no-provenance && without_clock out >other && cmp other plain ||
                return 1
        done
    }
    [ "$(LC_ALL=de_DE.UTF-8 printf '%.1f' 0,5 2>/dev/null)" = 0,5 ] || skip "no German locale could be made here"
    each check
}
