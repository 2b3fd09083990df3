#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Killed at any moment, in any system call, or refused by the system: nothing is lost, nothing half-written stays.
bats_require_minimum_version 1.5.0
load ../cli/helpers
load ../cli/melodies

# traced CALLS INJECTION COMMAND...: run it with a fault in its system calls; exit 137 where it was killed.
traced() {
    local status=0
    strace -f -qq -o trace -e trace="$1" -e inject="$1:$2" "${@:3}" >out 2>err || status=$?
    return $status
}

can_trace() { strace -o /dev/null true 2>/dev/null || skip "strace is not there or may not trace"; }

# prepared OUT FILE...: records of pieces of tests/fuzz/corpus/midi.
prepared() {
    local out=$1
    shift
    (cd "$MGEN_ROOT/tests/fuzz/corpus/midi" && mgen-prep -q --no-provenance -e performance388 --min-tokens 0 "$@") >"$out"
}

encoding=(-e performance388 --min-tokens 0)
small=(--hidden 16 --layers 2 --embedding 8 --batch 8)

@test "killed two hundred times at random moments, a training ends with the bytes of one that went through" {
    melodies 60 >records
    long=(--max-steps 3000 --patience 0 --epochs 0)
    mgen-train -q "${small[@]}" --dropout 0.3 "${long[@]}" -o whole.safetensors records >/dev/null
    RANDOM=1
    local kills=0 ends=0 status=137
    while [ $kills -lt 200 ] || [ $status -eq 137 ]; do # the last one comes through
        if [ -e m.state ]; then set -- --resume; else set -- "${small[@]}" --dropout 0.3 --force; fi
        mgen-train -q -j $((1 + kills % 2)) "$@" "${long[@]}" --save-seconds 0.01 -o m.safetensors records >/dev/null &
        pid=$!
        sleep "0.$(printf %03d $((20 + RANDOM % 400)))"
        [ $kills -ge 200 ] || kill -KILL $pid 2>/dev/null || true
        status=0
        wait $pid || status=$?
        [ ! -e m.safetensors ] || mgen-info m.safetensors >/dev/null
        if [ $status -eq 137 ]; then
            kills=$((kills + 1))
        else # it came through: once more, from the start
            [ $status -eq 0 ]
            cmp m.state whole.state
            rm m.*
            ends=$((ends + 1))
        fi
    done
    echo "$kills kills, $ends ends"
    [ -z "$(find . -name '.mgen-*')" ]
}

@test "killed between any two system calls of its saves, a training ends with the bytes of one that went through" {
    can_trace
    melodies 20 >records
    steps=("${small[@]}" --dropout 0.3 --carry --length 16 --patience 0 --epochs 0)
    mgen-train -q -j 1 "${steps[@]}" --max-steps 4 -o whole.safetensors records >/dev/null
    mgen-train -q -j 1 "${steps[@]}" --max-steps 2 -o begun.safetensors records >/dev/null
    # The calls that change what others see of a file; each of them is the last one in turn, and never made.
    for call in flock ftruncate write fsync rename unlink; do
        for n in $(seq 100); do
            rm -f m.*
            for part in state data safetensors; do cp begun.$part m.$part; done
            status=0
            traced $call "signal=KILL:when=$n" mgen-train -q -j 1 --resume --max-steps 4 --save-seconds 0 -o m.safetensors || status=$?
            mgen-info m.safetensors >/dev/null || { echo "$call $n: no model is left"; return 1; }
            mgen-train -q -j 2 --resume --max-steps 4 -o m.safetensors >/dev/null || { echo "$call $n: it does not go on"; return 1; }
            cmp m.state whole.state || { echo "$call $n: other bytes"; return 1; }
            [ $status -ne 0 ] || break
        done
        echo "$call: $((n - 1)) calls"
        [ "$n" -gt 1 ]
        [ "$n" -lt 100 ]
    done
    [ -z "$(find . -name '.mgen-*')" ]
}

@test "killed in any system call of a save, a file is the old one or the new one" {
    can_trace
    prepared old plain running
    prepared new plain running zero open
    mgen-prep -q "${encoding[@]}" -o new.safetensors new
    new_hash=$(mgen-info --no-provenance --records new.safetensors | sha256sum)
    mgen-prep -q "${encoding[@]}" -o set.safetensors old
    old_hash=$(mgen-info --no-provenance --records set.safetensors | sha256sum)
    for call in write fsync rename; do
        for n in $(seq 200); do
            mgen-prep -q "${encoding[@]}" --force -o set.safetensors old
            status=0
            traced $call "signal=KILL:when=$n" mgen-prep -q -j 1 "${encoding[@]}" --force -o set.safetensors new || status=$?
            hash=$(mgen-info --no-provenance --records set.safetensors | sha256sum)
            [ "$hash" = "$old_hash" ] || [ "$hash" = "$new_hash" ] || { echo "$call $n: another file"; return 1; }
            if [ $status -eq 0 ]; then
                [ "$hash" = "$new_hash" ]
                break
            fi
        done
        echo "$call: $n calls"
        [ "$n" -gt 1 ]
        mgen-prep -q "${encoding[@]}" --force -o set.safetensors old # takes over what the killed ones left
        [ -z "$(find . -name '.mgen-*')" ]
    done
}

@test "whichever system call fails, the tool says so with 3 and leaves nothing half-written" {
    can_trace
    prepared records plain running
    mgen-train -q "${small[@]}" --max-steps 2 -o m.safetensors records >/dev/null
    commands=("mgen-prep -q -j 1 ${encoding[*]} -o o.safetensors records"
        "mgen-train -q -j 1 ${small[*]} --max-steps 2 -o o.safetensors records"
        "mgen-gen -q -j 1 -m m.safetensors --steps 16 -o o"
        "mgen-render -q -j 1 --synth built-in --rate 8000 --max-seconds 1 -o o.wav one.mid"
        "mgen-info -q -j 1 --piano-roll -o o.svg one.mid")
    cp "$MGEN_ROOT/tests/fuzz/corpus/midi/plain" one.mid
    for command in "${commands[@]}"; do
        for fault in write:error=ENOSPC write:error=EIO fsync:error=EIO rename:error=EXDEV openat:error=EACCES; do
            for n in $(seq 400); do
                rm -rf o o.*
                status=0
                # shellcheck disable=SC2086
                traced "${fault%%:*}" "${fault#*:}:when=$n" $command || status=$?
                grep -q INJECTED trace || break
                case $fault in
                openat:*) case $status in 0 | 1 | 3 | 127) ;; *) echo "$command, $fault $n: exit $status"; return 1 ;; esac ;;
                *) [ $status -eq 3 ] || { echo "$command, $fault $n: exit $status"; cat err; return 1; } ;;
                esac
                [ -z "$(find . -name '.mgen-*')" ] || { echo "$command, $fault $n: leaves $(find . -name '.mgen-*')"; return 1; }
                for file in o.safetensors o.wav o.svg; do
                    [ ! -e $file ] || mgen-info $file >/dev/null 2>&1 || [ $file = o.svg ] || { echo "$fault $n: $file"; return 1; }
                done
            done
            echo "${command%% *}, $fault: $((n - 1)) calls"
        done
    done
}
