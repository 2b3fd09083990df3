#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-prep: from music files to records and packed sets.
bats_require_minimum_version 1.5.0
load helpers
load melodies

records() { jq -c "select(.kind == \"$1\")"; }

@test "a melody becomes an event a step" {
    tune 60 62 0 64 >a.mid
    mgen-prep --min-bars 0 --min-pitch-classes 0 --key-c no a.mid >out
    valid_records out
    run jq -c 'select(.kind == "piece") | .tokens' out
    assert_output '[14,0,0,0,16,0,0,0,1,0,0,0,18,0,0,0]'
    run jq -c 'select(.kind == "piece") | [.path, .encoding, .resolution, .meta.bpm, .meta.seconds, .meta.notes, .meta.piece]' out
    assert_output '["a.mid","melody38",4,120,2,3,null]'
}

@test "every encoding gives records that follow their schemas" {
    long_tune >a.mid
    for e in $(mgen-prep --list | jq -r 'select(.kind == "encoding") | .name'); do
        mgen-prep -e "$e" --min-tokens 0 --min-steps 0 a.mid >out
        valid_records out
        [ "$(jq -r 'select(.kind == "piece" or .kind == "roll") | .encoding' out)" = "$e" ]
    done
}

@test "the list of encodings follows its schema" {
    mgen-prep --list >out
    valid_records out
    run jq -r 'select(.kind == "encoding") | "\(.name) \(.vocab)"' out
    assert_line 'melody38 38'
    assert_line 'performance388 388'
    assert_line 'polyphony259 259'
    assert_line 'roll88 88'
}

@test "the vocabulary hashes stand in docs/ENCODINGS.md" {
    while read -r name hash; do
        grep -q "^| $name |.*| $hash |$" "$MGEN_ROOT/docs/ENCODINGS.md" || { echo "$name: $hash"; false; }
    done < <(mgen-prep --list | jq -r 'select(.kind == "encoding") | "\(.name) \(.vocab_hash)"')
}

@test "help shows the defaults that an encoding sets" {
    run bash -c 'mgen-prep --help | grep -A1 -e --split-seconds | tail -n 1'
    assert_output --partial '(default: 0)'
    run bash -c 'mgen-prep --help --encoding performance388 | grep -A1 -e --split-seconds | tail -n 1'
    assert_output --partial '(default: 30)'
    run bash -c 'mgen-prep --enc=polyphony259 --help | grep -e --min-steps'
    assert_output --partial '(default: 80)'
}

@test "an option overrides the encoding's default wherever it stands" {
    long_tune >a.mid
    for args in '--min-tokens 9999 -e performance388' '-e performance388 --min-tokens 9999'; do
        run -0 --separate-stderr bash -c "mgen-prep --no-provenance $args a.mid | jq -c '[.reason, .limit]'"
        assert_output '["few-tokens",9999]'
    done
}

@test "one thread or more, the bytes are the same, records or packed set" {
    mkdir in
    for i in $(seq 40); do long_tune $((60 + i % 20)) >"in/$i.mid"; done
    for j in 1 2 5; do
        mgen-prep --no-provenance --drop-duplicates --split-ratio 2:1:1 --transpose 0:2 --augment random -j $j in >"out-$j"
        mgen-prep --no-provenance --split-ratio 2:1:1 -j $j -o "set-$j" in >"said-$j"
    done
    cmp out-1 out-2 && cmp out-1 out-5
    cmp set-1 set-2 && cmp set-1 set-5 && cmp said-1 said-5
}

@test "every filter names itself, what it measured and its limit" {
    long_tune >a.mid
    while read -r reason args; do
        run -0 --separate-stderr bash -c "mgen-prep --no-provenance $args a.mid | jq -r 'select(.limit or .reason == \"polyphony\").reason'"
        assert_output "$reason"
    done <<'CASES'
few-notes --min-notes 32
many-notes --max-notes 30
few-pitch-classes --min-pitch-classes 6
few-bars --min-bars 8
many-bars --max-bars 7
short --min-seconds 16
long --max-seconds 15
sparse --min-density 2.1
dense --max-density 1.9
few-steps --min-steps 125
many-steps --max-steps 123 --too-long drop
few-tokens --min-tokens 125
many-tokens --max-tokens 123 --too-long drop
CASES
    tune 60 62 64 65 67 0 0 0 60 62 64 65 0 0 0 0 60 >b.mid
    run -0 --separate-stderr bash -c "mgen-prep --no-provenance --min-bars 0 --gap-bars 9 --max-empty-bars .1 b.mid | jq -c '[.reason, .measure]'"
    assert_output '["empty-bars",0.2]'
}

@test "what is too long is cut at the step or the token, and said so" {
    long_tune >a.mid
    mgen-prep --no-provenance --max-steps 120 a.mid 2>err >/dev/null
    grep -q '^mgen-prep: 1 of 31 notes are in no record' err
    run bash -c "mgen-prep -q --no-provenance --max-steps 120 a.mid | jq -c '[(.tokens | length), .meta.part]'"
    assert_output '[120,1]'
    run bash -c "mgen-prep -q --no-provenance -e performance388 --max-tokens 40 a.mid | jq -c '.tokens | length'"
    assert_output '40'
    run bash -c "mgen-prep -q --no-provenance -e polyphony259 --max-tokens 40 --too-long cut a.mid | jq -c '.tokens[-1]'"
    assert_output '2'
}

@test "lines with chords are dropped, or give their highest notes" {
    # the hands of a piano on one channel
    printf 'MThd\0\0\0\6\0\0\0\1\0\140MTrk\0\0\0\24\0\x90\74\100\0\x90\110\100\140\x80\74\0\0\x80\110\0\0\377\57\0' >a.mid
    run -0 bash -c "mgen-prep --no-provenance a.mid | jq -c '[.reason, .detail]'"
    assert_line '["polyphony","track 0, channel 0: two notes at step 0"]'
    assert_line 'mgen-prep: nothing was kept: the dropped records say why'
    long_tune >b.mid
    run -0 mgen-prep --no-provenance -o set.safetensors a.mid b.mid
    refute_output --partial 'nothing was kept'
    run -0 bash -c "mgen-prep --no-provenance --melody highest --min-bars 0 --min-pitch-classes 0 --key-c no a.mid | jq -c '.tokens'"
    assert_output '[26,0,0,0]'
}

@test "pieces are parted by bars, seconds and silence" {
    long_tune >a.mid
    run bash -c "mgen-prep --no-provenance --min-bars 0 --min-pitch-classes 0 --split-bars 3 a.mid | jq -c '[.meta.part, (.tokens | length)]'"
    assert_output $'[1,48]\n[2,48]\n[3,28]'
    run bash -c "mgen-prep --no-provenance -e performance388 --split-seconds 10 --min-tokens 0 a.mid | jq -c '[.meta.part, .meta.seconds]'"
    assert_output $'[1,10]\n[2,5.5]'
    tune 60 0 0 0 0 0 62 64 >b.mid
    run bash -c "mgen-prep --no-provenance -e roll88 --split-silence 2 b.mid | jq -c '[.meta.part, (.frames | length), .frames[0], .frames[-1]]'"
    assert_output $'[1,4,[60],[60]]\n[2,16,[],[64]]'
}

@test "copies are made for every transposition and stretch" {
    long_tune >a.mid
    run bash -c "mgen-prep --no-provenance -e performance388 --transpose -3:3 --stretch .95,1,1.05 a.mid |
        jq -c '[.meta.transpose // 0, .meta.stretch // 1, .meta.seconds]' | sort -u | wc -l"
    assert_output 21
    run bash -c "mgen-prep --no-provenance -e performance388 --transpose 2 a.mid | jq -c '[.tokens[1], .meta.transpose]'"
    assert_output '[62,2]'
    run bash -c "mgen-prep --no-provenance -e performance388 --transpose -60:-59 a.mid | jq -c '[.kind, .tokens[1]]'"
    assert_output $'["piece",0]\n["piece",1]'
    run --separate-stderr bash -c "mgen-prep --no-provenance -e performance388 --transpose -61 a.mid | jq -c '[.reason, .measure]'"
    assert_output '["transposition",-61]'
}

@test "pitches out of range are refused, dropped or folded" {
    tune 20 60 >a.mid
    run -0 --separate-stderr bash -c "mgen-prep --no-provenance -e roll88 a.mid | jq -c '[.reason, .detail]'"
    assert_output '["does-not-fit","pitch 20 is outside of 21..108"]'
    run -0 bash -c "mgen-prep -q --no-provenance -e roll88 --out-of-range drop a.mid | jq -c '[.frames[0], .frames[-1], .meta.notes]'"
    assert_output '[[],[60],1]'
    run -0 bash -c "mgen-prep --no-provenance -e roll88 --out-of-range fold a.mid | jq -c '[.frames[0], .frames[-1], .meta.transpose]'"
    assert_output '[[44],[84],24]'
}

@test "of equal pieces the first stays" {
    mkdir in
    long_tune >in/b.mid
    long_tune 60 >in/c.mid
    cp in/b.mid in/a.mid
    mgen-prep --no-provenance --drop-duplicates -j 3 in >out
    valid_records out
    run jq -r '.kind + " " + .path + " " + (.reason // "")' out
    assert_output $'piece in/a.mid \ndropped in/b.mid duplicate\npiece in/c.mid '
}

@test "a split never parts a piece from its parts, copies and equals" {
    mkdir in
    for i in $(seq 30); do long_tune $((50 + i)) >"in/$i.mid"; cp "in/$i.mid" "in/$i-again.mid"; done
    mgen-prep --no-provenance --split-ratio 2:1:1 -e performance388 --split-seconds 5 --min-tokens 0 --transpose 0:1 in >out
    valid_records out
    run bash -c "jq -r '[.meta.piece, .split] | @tsv' out | sort -u | cut -f 1 | sort | uniq -d"
    assert_output ''
    [ "$(jq -r .split out | sort -u | wc -l)" -eq 3 ]
    mgen-prep --no-provenance --split-ratio 2:1:1 in >melodies
    diff <(jq -r '[.path, .split] | @tsv' out | sort -u) <(jq -r '[.path, .split] | @tsv' melodies | sort -u)
    mgen-prep --no-provenance --split-ratio 2:1:1 --seed 2 in >other
    run ! cmp -s other melodies
}

@test "licences are allowed by name, version or not" {
    mkdir -p in/free in/bound
    long_tune >in/free/a.mid
    long_tune 60 >in/bound/b.mid
    long_tune 61 >in/c.mid
    echo 'Creative Commons Attribution 4.0' >in/free/LICENSE
    echo 'GNU General Public License version 3' >in/bound/COPYING
    allowed() { mgen-prep --no-provenance --licence-allow "$1" in | jq -r 'select(.kind == "piece") | .path' | tr '\n' ' '; }
    [ "$(allowed MIT,CC-BY)" = 'in/free/a.mid ' ]
    [ "$(allowed GPL-3.0)" = 'in/bound/b.mid ' ]
    [ "$(allowed CC-BY-3.0)" = '' ]
    [ "$(allowed unknown)" = 'in/c.mid ' ]
    run --separate-stderr bash -c "mgen-prep --no-provenance --licence-allow MIT in | jq -c '[.kind, .reason, .detail]'"
    assert_output $'["dropped","licence","GPL-3.0"]\n["dropped","licence","unknown"]\n["dropped","licence","CC-BY-4.0"]'
}

@test "corpus tests drop what fails them" {
    long_tune >a.mid
    run -0 --separate-stderr bash -c "mgen-prep --no-provenance --corpus-tests length,max_programs a.mid | jq -c '[.reason, .detail, .measure]'"
    assert_output '["corpus-test","length",15.5]'
    run -0 bash -c "mgen-prep --no-provenance --corpus-tests max_programs a.mid | jq -r .kind"
    assert_output piece
    run -2 mgen-prep --corpus-tests lenght a.mid
}

@test "roll data sets keep their split and grid, and come back whole" {
    echo '{"train": [[[60, 64], [60], []], [[61]]], "test": [[[62], [62], [63], [63]]]}' >rolls.json
    mgen-prep --no-provenance -e roll88 --roll-grid 1 rolls.json >out
    valid_records out
    run jq -c '[.path, .split, .resolution, .frames]' out
    assert_output '["rolls.json#1","train",1,[[60,64],[60],[]]]
["rolls.json#2","train",1,[[61]]]
["rolls.json#3","test",1,[[62],[62],[63],[63]]]'
    run bash -c "mgen-prep --no-provenance -e roll88 --roll-grid 1 --steps-per-quarter 2 'rolls.json#2' | jq -c .frames"
    assert_output '[[61],[61]]'
    mgen-prep --no-provenance -e roll88 <out | diff - out
}

@test "records come in through a pipe, other tools between" {
    mkdir in
    for i in 1 2 3; do long_tune $((60 + i)) >"in/$i.mid"; done
    mgen-prep -e performance388 in | jq -c 'select(.path != "in/2.mid")' | shuf | mgen-prep -e roll88 --no-provenance >out
    valid_records out
    run bash -c "jq -r .path out | sort"
    assert_output $'in/1.mid\nin/3.mid'
    jq -nc '{kind: "piece", path: "in/2.mid"}' | mgen-prep --no-provenance >out
    [ "$(jq -r .path out)" = in/2.mid ]
}

@test "a record in a vocabulary that is not ours is an error" {
    echo '{"kind":"piece","path":"x","encoding":"melody38","vocab_hash":"00000000000000000000000000000000","tokens":[14]}' >in
    run -1 bash -o pipefail -c "mgen-prep -q --no-provenance <in | jq -r .error"
    assert_output --partial 'vocabulary of melody38 that is not ours'
}

@test "a packed set appears whole or not at all" {
    long_tune >a.mid
    mgen-prep --no-provenance -o set.safetensors a.mid >out
    [ ! -s out ] && [ -s set.safetensors ]
    run -3 mgen-prep -o set.safetensors a.mid
    assert_output --partial 'set.safetensors'
    mgen-prep --force -o set.safetensors a.mid
    tune 60 >b.mid
    run -1 mgen-prep -q -o none.safetensors b.mid
    assert_output --partial 'nothing is left'
    [ ! -e none.safetensors ]
    run -3 mgen-prep -o /nowhere/set.safetensors a.mid
    mkdir small
    cut_short() { (trap '' XFSZ; ulimit -f "$1"; mgen-prep -q -e performance388 -o small/set.safetensors "$TUNES"); }
    run -3 cut_short 8
    assert_output --partial 'small/.mgen-temporary-'
    run -3 cut_short 100
    assert_output --partial 'mgen-prep: small/set.safetensors: File too large'
    [ -z "$(ls -A small)" ]
    mgen-prep --no-provenance a.mid >records
    mgen-prep --no-provenance -o - a.mid >piped
    mgen-prep --no-provenance -o again.safetensors records >/dev/null
    [ "$(find . -name '.mgen*' | wc -l)" -eq 0 ]
}

@test "options that contradict each other or the encoding are refused" {
    long_tune >a.mid
    run -2 mgen-prep -e performance388 --melody strict a.mid
    run -2 mgen-prep -e performance388 --steps-per-quarter 4 a.mid
    run -2 mgen-prep --stretch .9,1.1 a.mid
    run -2 mgen-prep --split-bars 2 --split-seconds 2 a.mid
    run -2 mgen-prep --transpose 3:-3 a.mid
    run -2 mgen-prep --stretch 0.1 -e performance388 a.mid
    run -2 mgen-prep --split-ratio 0:0:0 a.mid
    run -2 mgen-prep -e melody39 a.mid
    assert_output --partial "did you mean 'melody38'"
}

@test "a roll of several tracks is read as such, drums on their channel" {
    cat >in <<'END'
{"kind":"roll","path":"x","resolution":4,"low":0,"high":127,"meta":{"bpm":100},"tracks":[
{"program":33,"is_drum":false,"frames":[[40],[40],[43],[43]]},
{"program":0,"is_drum":true,"frames":[[36],[],[38],[]]}]}
END
    tr -d '\n' <in >one && echo >>one
    mgen-info --each one >out
    run jq -c 'select(.format == "record") | [.notes, .drum_notes, .tempi[0].bpm, .tracks[0].programs, .tracks[1].channels]' out
    assert_output '[4,2,100,["Electric Bass (finger)"],[9]]'
}

@test "records that name a piece of music by its path stand for it; others do not" {
    tune 60 62 64 >a.mid
    run_prep() { mgen-prep --min-bars 0 --min-pitch-classes 0 "$@" 2>/dev/null | jq -c 'select(.kind == "piece") | .path'; }
    run run_prep - <<<'{"kind":"assignment","path":"a.mid","split":"train"}'
    assert_output '"a.mid"'
    run run_prep - <<<'{"path":"a.mid"}'
    assert_output '"a.mid"'
    run run_prep - <<<'{"path":"notes.txt"}'
    assert_output ''
    run run_prep - <<<'{"kind":"match","path":"a.mid"}'
    assert_output ''
}

@test "bars of silence are not asked for where no melodies are taken" {
    run -2 mgen-prep -e performance388 --gap-bars 2 x.mid
    assert_output --partial "--gap-bars has no effect with --melody off"
    tune 60 62 64 >a.mid
    mgen-prep -q -e polyphony259 --melody strict --gap-bars 2 a.mid >/dev/null
}
