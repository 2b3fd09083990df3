#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-info: files told, corpora summed up, pictures, provenance, and tables on a terminal.
bats_require_minimum_version 1.5.0
load helpers

MIDI=$MGEN_ROOT/tests/fuzz/corpus/midi

# The one record of a kind in the file `out`.
record() { jq -c "select(.kind == \"$1\")" out; }

# A tune of four notes from pitch $1 on, under $2.
make_tune() {
    mkdir -p "$(dirname "$2")"
    {
        printf 'MThd\0\0\0\6\0\0\0\1\0\140MTrk\0\0\0\64\0\377\130\4\3\2\30\10\0\377\131\2\1\0'
        for i in 0 4 7 12; do
            printf '%b' "\\0000\\x90\\x$(printf %x $(($1 + i)))\\0100\\x60\\x80\\x$(printf %x $(($1 + i)))\\0100"
        done
        printf '\0\377\57\0'
    } >"$2"
}

# on_terminal WIDTH COMMAND: its output as on a terminal that wide, without colours.
on_terminal() {
    local width=$1
    shift
    NO_COLOR=1 script -qec "stty cols $width; $*" /dev/null </dev/null | tr -d '\r'
}

@test "a file of music is told" {
    make_tune 60 a.mid
    mgen-info a.mid >out
    valid_records out
    record info | jq -e '.format == "MIDI 0" and .notes == 4 and .lowest == "C4" and .highest == "C5" and .bars == 2 and
        .seconds == 2 and .meters[0].meter == "3/4" and .keys[0].key == "G major" and .key_found == "C major" and
        .tracks[0].channels == [0]'
    [ -z "$(record card)" ]
}

@test "repairs are told with their place" {
    mgen-info --lenient "$MIDI/open" >out
    valid_records out
    record info | jq -e '.n_repairs >= 1 and (.repairs[0] | .what and (.offset >= 0))'
}

@test "long lists are cut, and how long they were is said" {
    jq -nr '"X:1\nT:t\nM:4/4\nL:1/4\nK:C",
        (range(70) | "M:\(2 + . % 2)/4\nK:\(["C", "G"][. % 2])\nQ:1/4=\(100 + .)\nC \("D" * (1 + . % 2))|")' >long.abc
    mgen-info long.abc >out
    valid_records out
    record info | jq -e '[.n_tempi, .n_meters, .n_keys] as $n | all($n[]; . >= 70) and
        (.tempi | length) == 64 and (.meters | length) == 64 and (.keys | length) == 64'
    make_tune 60 short.mid
    mgen-info short.mid >out
    record info | jq -e '.n_meters == 1 and .n_keys == 1'
}

@test "several files and folders are summed up in a card" {
    make_tune 60 in/a.mid
    make_tune 60 in/b.mid
    make_tune 62 in/c.mid
    echo no music >in/d.mid
    run mgen-info --no-provenance in
    [ "$status" -eq 1 ]
    mgen-info in >out || true
    valid_records out
    record card | jq -e '.path == "in" and .pieces == 3 and .failed == 1 and .exact_duplicates == 1 and .notes == 12 and
        .meters == {"3/4": 3} and .tempi == {"120-129": 3} and .keys == {"C major": 2, "D major": 1} and
        .pitches[60] == 2 and (.errors | length) == 1 and .licences == {"unknown": 3}'
    [ -z "$(record info)" ]
    mgen-info --each in >out || true
    [ "$(record info | wc -l)" -eq 3 ] && [ -z "$(record card)" ]
    mgen-info --card in/a.mid >out
    record card | jq -e '.pieces == 1'
}

@test "a card is the same with one thread and with more, and in two halves it adds up" {
    for i in $(seq 1 80); do make_tune $((40 + i % 30)) in/$i.mid; done
    mgen-info --no-provenance -j 1 in >one
    mgen-info --no-provenance -j 3 in >three
    cmp one three
    [ "$(jq .exact_duplicates one)" -eq 50 ]
    for i in 1 2; do mgen-info --no-provenance --shard $i/2 in; done | jq -s 'map(.notes) | add == 320' | grep -q true
}

@test "a record stream and a packed set are told, and what they hold is summed up" {
    printf '%s\n' '{"kind":"run","tool":"mgen-prep","version":"0.1.0","argv":[],"seed":1}' \
        '{"kind":"piece","id":"00000000000000000000000000000000","path":"x","encoding":"performance388","split":"train","tokens":[360,60,305,188]}' \
        '{"kind":"error","path":"y","error":"bad"}' >r.ndjson
    mgen-info r.ndjson >out
    valid_records out
    record info | jq -e '.format == "records" and .records == 3 and .kinds == {"error": 1, "piece": 1, "run": 1} and
        .run.tool == "mgen-prep" and .tokens == 4'
    record card | jq -e '.pieces == 1 and .splits == {"train": 1} and .encodings == {"performance388": 1}'
    make_tune 60 in/a.mid
    mgen-prep --encoding performance388 --min-tokens 0 -o set.safetensors in >/dev/null
    mgen-info set.safetensors >out
    valid_records out
    record info | jq -e '.format == "packed set" and .records == 1 and .encodings.performance388 == 1'
}

@test "lines that are no records are counted, not taken for steps; one that is too long costs no other" {
    printf '%s\n' '{"kind":"zzz"}' 'not json' >r.ndjson
    mgen-info --each r.ndjson >out || true
    run -0 bash -c "jq -c 'select(.format == \"records\") | [.records, .kinds, .steps]' out"
    assert_output '[2,{"(broken)":1,"zzz":1},null]'
    { echo '{"kind":"a"}'; head -c 68000000 /dev/zero | tr '\0' x; echo; echo '{"kind":"b"}'; echo '{"kind":"b"}'; } >long
    mgen-info --each - <long >out || true
    run -0 bash -c "jq -c 'select(.format == \"records\") | .kinds' out"
    assert_output '{"b":2,"(broken)":1,"a":1}'
    grep -q 'line 2 is longer than' out
}

@test "records of a packed set come back byte for byte" {
    for i in 1 2 3; do make_tune $((60 + i)) in/$i.mid; done
    mgen-prep --no-provenance --encoding performance388 --min-tokens 0 in >pipe
    mgen-prep --encoding performance388 --min-tokens 0 -o set.safetensors in >/dev/null
    mgen-info --no-provenance --records set.safetensors >back
    cmp pipe back
    run mgen-info --records in/1.mid
    [ "$status" -eq 1 ]
}

@test "sound files and tensors are told" {
    make_tune 60 a.mid
    mgen-render --synth built-in --rate 8000 --channels 1 -o a.flac a.mid >/dev/null
    mgen-info a.flac >out
    valid_records out
    record info | jq -e '.rate == 8000 and .channels == 1 and (.format | test("FLAC")) and .provenance.tool == "mgen-render"'
    printf '\117\0\0\0\0\0\0\0%s\0\0\200\77\0\0\0\100' \
        '{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' >t.safetensors
    mgen-info t.safetensors >out
    valid_records out
    record info | jq -e '.format == "safetensors" and .tensors == 1 and .numbers == 2 and .metadata.a == "b"'
}

@test "what is read from its file alone says so when it comes through a pipe" {
    make_tune 60 a.mid
    mgen-render -q --synth built-in --rate 8000 -o a.wav a.mid >/dev/null
    mgen-prep -q -o set.safetensors "$TUNES" >/dev/null
    mgen-train -q --model lstm --hidden 8 --max-steps 1 -o model.safetensors set.safetensors >/dev/null
    run mgen-info --no-provenance - <a.wav
    [ "$status" -eq 1 ]
    assert_output --partial 'a sound file is read from its file, not from a pipe'
    run mgen-prep - <model.safetensors
    assert_output --partial 'a model, or other tensors, is read from its file'
    run mgen-prep - <set.safetensors
    assert_output --partial 'a packed set is read from its file'
    mgen-info - <a.mid >out
    record info | jq -e '.notes == 4'
}

@test "provenance passes when whole, and fails when a byte or what it names is changed" {
    make_tune 60 a.mid
    mgen-render --synth built-in --rate 8000 -o a.wav a.mid >/dev/null
    mgen-info --verify a.wav >out
    valid_records out
    record provenance | jq -e '.passed and .seal == "whole" and .files.score == "same" and .provenance.tool == "mgen-render"'
    mgen-prep -q -o set.safetensors "$TUNES" >/dev/null
    mgen-info --verify set.safetensors >out
    record provenance | jq -e '.passed and (has("files") | not)'
    mkdir elsewhere
    mv a.wav elsewhere/
    mgen-info --verify elsewhere/a.wav >out # seen from the working folder
    record provenance | jq -e '.passed'
    printf '\1' | dd of=elsewhere/a.wav bs=1 seek=2000 conv=notrunc status=none
    run mgen-info --verify elsewhere/a.wav
    [ "$status" -eq 1 ]
    assert_output --partial '"seal":"broken"'
    mgen-render --synth built-in --rate 8000 -o b.wav a.mid >/dev/null
    make_tune 61 a.mid
    run mgen-info --verify b.wav
    [ "$status" -eq 1 ]
    assert_output --partial '"score":"differs"'
    rm a.mid
    mgen-info --verify b.wav >out
    record provenance | jq -e '.passed and .files.score == "absent"'
    run mgen-info --verify "$MIDI/plain"
    [ "$status" -eq 1 ]
    assert_output --partial 'carries no provenance'
}

@test "the outputs of a pipe are checked" {
    make_tune 60 in/a.mid
    make_tune 64 in/b.mid
    mgen-render --synth built-in --rate 8000 -o wav in | mgen-info --verify >out
    [ "$(record provenance | jq -r .path)" = $'wav/a.wav\nwav/b.wav' ]
}

@test "a piano-roll is drawn in ASCII and in blocks, bars can be chosen" {
    make_tune 60 a.mid
    LC_ALL=C mgen-info --piano-roll --width 60 a.mid >out
    [ "$(grep -c '#===' out)" -eq 4 ]
    run ! env LC_ALL=C grep -q "$(printf '[\200-\377]')" out
    LC_ALL=C.UTF-8 mgen-info --piano-roll --width 60 a.mid >out
    grep -q '▄' out || grep -q '▀' out
    mgen-info --piano-roll --bars 2 a.mid >out
    grep -q 'bars 2-2 of 2' out
    for wrong in 0-1 3-2 x 1-; do
        run mgen-info --piano-roll --bars $wrong a.mid
        [ "$status" -eq 2 ]
    done
}

@test "a piano-roll and a curve are drawn as SVG" {
    make_tune 60 a.mid
    mgen-info --piano-roll -o a.svg a.mid >out
    [ ! -s out ]
    [ "$(grep -c fill-opacity a.svg)" -eq 4 ] && grep -q '</svg>' a.svg
    run mgen-info --piano-roll -o a.svg a.mid
    [ "$status" -eq 3 ]
    make_tune 62 b.mid
    for inputs in 'a.mid b.mid' . "$TUNES/jigs.abc"; do
        # shellcheck disable=SC2086
        run -2 mgen-info --piano-roll -o one.svg $inputs
        assert_output --partial 'one.svg: one SVG holds one piece'
        [ ! -e one.svg ]
    done
    mgen-info --piano-roll -o one.svg "$TUNES/jigs.abc#2"
    grep -q '</svg>' one.svg
    for i in 1 2 3 4; do echo "{\"kind\":\"step\",\"step\":$i,\"loss\":$((9 - i)).5}"; done >steps
    mgen-info --curve loss -o c.svg steps
    grep -q 'class="curve s0"' c.svg
    LC_ALL=C mgen-info --curve loss --width 40 steps | grep -q '\*'
    run mgen-info --curve nothing steps
    [ "$status" -eq 1 ]
    assert_output --partial 'no step records'
}

@test "the machine is measured" {
    mgen-info --system >out
    valid_records out
    record system | jq -e '.cores >= 1 and .classes[0].gflops > 0 and .bfloat16.gflops > 0 and .products[1].of_peak_all > 0 and .libraries.jansson'
}

@test "one thing at a time" {
    run mgen-info --each --card .
    [ "$status" -eq 2 ]
    run mgen-info --piano-roll --verify .
    [ "$status" -eq 2 ]
    run mgen-info -o x.svg .
    [ "$status" -eq 2 ]
    run -2 mgen-info --bars 1-2 .
    run -2 mgen-info --width 80 .
}

@test "on a terminal records that repeat are rows, and fit its width" {
    for i in $(seq 1 30); do make_tune $((50 + i)) in/a-file-with-a-rather-long-name-$i.mid; done
    on_terminal 70 mgen-info --each in >out
    [ "$(grep -c '^info' out)" -eq 1 ]
    [ "$(grep -c 'mid' out)" -eq 30 ]
    [ "$(awk '{ print length }' out | sort -n | tail -n 1)" -le 70 ]
    on_terminal 70 mgen-info in/a-file-with-a-rather-long-name-1.mid >out
    grep -qE '^  notes +4$' out
    on_terminal 70 mgen-info in >out
    grep -qE '^  pieces +30$' out
    grep -qE '^    3/4 +█+ +30 +100.0 %$|^  meters +3/4 30$' out
}

@test "what would steer the terminal is harmless" {
    make_tune 60 $'in/\033[31mred.mid'
    on_terminal 80 mgen-info in/* >out
    grep -q 'red.mid' out
    run ! grep -q "$(printf '\033')" out
}

@test "nasty files end in a record, quickly and in little memory" {
    need "$DATA/nasty-midi"
    local limits='-v 1000000 -t 5'
    if is_sanitised; then limits='-t 60'; fi
    find "$DATA/nasty-midi" "$DATA/nasty-audio" -type f -print0 >names
    while IFS= read -r -d '' file; do
        status=0
        # shellcheck disable=SC2086
        (ulimit $limits; mgen-info -j 1 --no-provenance "$file" >out 2>err </dev/null) || status=$?
        [ "$status" -le 1 ] && [ -s out ] || { echo "$file: exit $status"; false; }
    done <names
}
