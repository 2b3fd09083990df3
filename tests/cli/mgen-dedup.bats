#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-dedup: the tiers on files made by hand, clusters, a corpus, records.
bats_require_minimum_version 1.5.0
load helpers

# number N BYTES: N in BYTES bytes, the highest first, as \xHH.
number() { printf "%0$((2 * $2))x" "$1" | sed 's/../\\x&/g'; }

# midi TICKS_A_QUARTER TRACK...: a MIDI file; a track is a string of \xHH.
midi() {
    local division=$1 track
    shift
    printf '%b' "MThd\\x00\\x00\\x00\\x06\\x00\\x01$(number $# 2)$(number "$division" 2)"
    for track; do printf '%b' "MTrk$(number $((${#track} / 4)) 4)$track"; done
}

# notes CHANNEL VELOCITY TICKS PITCH...: one after the other, as a track.
notes() {
    local channel=$1 velocity=$2 ticks=$3 pitch
    shift 3
    for pitch; do
        printf %s "\\x00\\x9$channel$(number "$pitch" 1)$(number "$velocity" 1)$(number "$ticks" 1)\\x8$channel$(number "$pitch" 1)\\x40"
    done
    printf %s '\x00\xff\x2f\x00'
}

# A folder in which all are one piece, b to f each a tier further from a, g being another piece.
family() {
    mkdir -p x
    local tune='60 62 64 65 67 69 71 72' up='63 65 67 68 70 72 74 75' bass='40 41 42 43'
    local t b
    t=$(notes 0 80 48 $tune) b=$(notes 1 70 96 $bass)
    midi 96 "$t" "$b" >x/a.mid
    cp x/a.mid x/b.mid
    midi 96 "\\x00\\xff\\x01\\x02hi$t" "$b" | sed 's/hi/ho/' >x/c.mid
    midi 96 "$b" "$t" >x/d.mid
    midi 32 "$(notes 0 80 16 $tune)" "$(notes 3 70 32 $bass)" >x/e.mid
    midi 96 "$(notes 0 90 60 $up)" "$(notes 1 70 120 43 44 45 46)" >x/f.mid
    midi 96 "$t" "$(notes 1 70 96 40 41 42 44)" >x/g.mid
}

matches() { jq -r 'select(.kind == "match") | "\(.a) \(.b) \(.kind_of_match) \(.transpose) \(.time_ratio)"' "$1"; }

@test "each tier finds what it should, against the lowest path of the strictest" {
    family
    mgen-dedup x >out
    valid_records out
    run matches out
    assert_output 'x/b.mid x/a.mid T0 0 1
x/c.mid x/a.mid T1 0 1
x/d.mid x/a.mid T2 0 1
x/e.mid x/a.mid T3 0 1
x/f.mid x/a.mid T4 -3 0.8'
}

@test "--tier stops where it is told" {
    family
    for t in 0 1 2 3 4; do
        mgen-dedup --tier T$t x >out
        assert_equal "$(matches out | wc -l)" $((t + 1))
    done
}

@test "a class of equal pieces has one record less than pieces" {
    family
    cp x/f.mid x/f2.mid
    cp x/e.mid x/e2.mid
    mgen-dedup x >out
    assert_equal "$(matches out | wc -l)" 7
    run bash -c "jq -r 'select(.a == \"x/f2.mid\") | .b + .kind_of_match' out"
    assert_output x/f.midT0
}

@test "clusters hold all that are the same, and say which to keep" {
    family
    mgen-dedup --clusters --no-provenance x >out
    valid_records out
    run jq -c '[.members, .keep]' out
    assert_output '[["x/a.mid","x/b.mid","x/c.mid","x/d.mid","x/e.mid","x/f.mid"],"x/a.mid"]'
    # fewer repairs beat a lower path
    printf junk | cat - x/a.mid >x/0.mid
    run bash -c "mgen-dedup --clusters --no-provenance x | jq -c '[.members[0], .keep]'"
    assert_output '["x/0.mid","x/a.mid"]'
    # the id is that of the members
    mv x/g.mid x/h.mid
    cmp <(mgen-dedup --clusters --no-provenance x) <(mgen-dedup --clusters --no-provenance x)
    mkdir y && cp x/a.mid x/b.mid y
    [ "$(mgen-dedup --clusters --no-provenance x | jq .id)" != "$(mgen-dedup --clusters --no-provenance y | jq .id)" ]
}

@test "the order of the inputs and the threads change nothing" {
    family
    mgen-dedup --no-provenance x >want
    for j in 1 2 5; do mgen-dedup --no-provenance -j $j x/g.mid x/e.mid x/c.mid x/a.mid x/d.mid x/f.mid x/b.mid | cmp want -; done
    mgen-dedup --no-provenance x x/a.mid x/c.mid | cmp want -
}

@test "a corpus is searched, the pieces are not compared with each other" {
    family
    mkdir corpus out
    cp x/a.mid x/b.mid x/g.mid corpus
    cp x/f.mid x/e.mid x/a.mid out
    midi 96 "$(notes 0 80 40 50 60 50 60 50 60 50 60)" >out/new1.mid
    cp out/new1.mid out/new2.mid
    mgen-dedup --against corpus out >got
    valid_records got
    run matches got
    assert_output 'out/a.mid corpus/a.mid T0 0 1
out/e.mid corpus/a.mid T3 0 1
out/f.mid corpus/a.mid T4 -3 0.8'
    run -2 mgen-dedup --clusters --against corpus out
    assert_output --partial 'clusters are of one set'
}

@test "copies with rounded ticks are found, from files and from records that name them" {
    mkdir r
    # 100 ticks a quarter to 64: lengths 33, 67, 21 ... rounded one by one
    midi 100 "$(notes 0 80 33 60 67 61 70 55 60 67 60 72 71)" >r/a.mid
    midi 64 "$(for i in '21 60' '21 67' '21 61' '22 70' '21 55' '21 60' '21 67' '21 60' '21 72' '21 71'; do
        notes 0 80 $i | sed 's/.\{16\}$//'; done)\\x00\\xff\\x2f\\x00" >r/b.mid
    mgen-dedup r >out
    run matches out
    assert_output --partial 'r/b.mid r/a.mid T4 0 '
    printf '%s\n' '{"kind":"output","path":"a.mid"}' '{"kind":"output","path":"b.mid"}' >r/list.ndjson
    mgen-dedup r/list.ndjson >out
    run matches out
    assert_output --partial 'b.mid a.mid T4 0 '
}

@test "a slower copy is told by its time ratio" {
    midi 96 "\\x00\\xff\\x51\\x03\\x07\\xa1\\x20$(notes 0 80 48 60 62 64 65 67 69 71 72)" >a.mid # 120 bpm
    midi 96 "\\x00\\xff\\x51\\x03\\x0f\\x42\\x40$(notes 0 80 48 60 62 64 65 67 69 71 72)" >b.mid # 60 bpm
    mgen-dedup a.mid b.mid >out
    run matches out
    assert_output 'b.mid a.mid T3 0 0.5'
}

@test "spans are in seconds, on both sides" {
    family
    run bash -c "mgen-dedup --no-provenance x | jq -c 'select(.a == \"x/f.mid\") | [.score, .p, .spans]'"
    assert_output '[1,null,[{"a_start":0,"a_end":2.5,"b_start":0,"b_end":2,"unit":"s"}]]'
}

@test "pieces without notes are the same only byte for byte" {
    mkdir e
    midi 96 '\x00\xff\x2f\x00' >e/a.mid
    midi 96 '\x01\xff\x2f\x00' >e/b.mid
    cp e/a.mid e/c.mid
    run bash -c "mgen-dedup --no-provenance e | jq -r '.a + .kind_of_match'"
    assert_output e/c.midT0
}

@test "names that are no UTF-8 come back in clusters" {
    mkdir n
    midi 96 "$(notes 0 80 48 60 62)" >n/a.mid
    cp n/a.mid $'n/\xff.mid'
    mgen-dedup --clusters --no-provenance n >out
    valid_records out
    run bash -c "jq -r '.members_b64[1]' out | base64 -d"
    assert_equal "$output" $'n/\xff.mid'
}

@test "that nothing is the same is said" {
    family
    run -0 --separate-stderr mgen-dedup x/a.mid x/g.mid
    assert_equal "$stderr" "mgen-dedup: no two pieces are the same"
    run -0 --separate-stderr mgen-dedup --against x/g.mid x/a.mid x/b.mid
    assert_equal "$stderr" "mgen-dedup: no piece is one of the corpus"
    run -0 --separate-stderr mgen-dedup --against x/b.mid x/a.mid
    assert_equal "$stderr" ""
    run -0 --separate-stderr mgen-dedup -q x/a.mid x/g.mid
    assert_equal "$stderr" ""
}

@test "broken files are errors, the others are searched" {
    family
    echo nothing >x/z.mid
    run -1 --separate-stderr mgen-dedup --no-provenance x
    assert_equal "$(jq -r .kind <<<"$output" | sort | uniq -c | sed 's/^ *//')" "$(printf '1 error\n5 match')"
}

@test "real duplicates are found" {
    need "$DATA/nasty-midi/midly/ClementiRewritten.mid"
    mgen-dedup --no-provenance "$DATA/nasty-midi/midly/ClementiRewritten.mid" --against "$DATA/piano-midi-de/Clementi" >out
    run jq -r .b out
    assert_output --partial clementi_opus36_1_1.mid
}
