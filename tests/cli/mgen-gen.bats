#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-gen: files and records, what they depend on, and what they do not.
load helpers
load melodies
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    if [ ! -e "$BATS_FILE_TMPDIR/m.safetensors" ]; then
        melodies 20 | mgen-train -q --hidden 16 --embedding 8 --max-steps 8 -o "$BATS_FILE_TMPDIR/m.safetensors" >/dev/null
    fi
    cp "$BATS_FILE_TMPDIR/m.safetensors" .
}

@test "pieces are MIDI files, with a record for each" {
    mgen-gen -m m.safetensors -n 3 --steps 32 -o out >records
    valid_records records
    [ "$(ls out)" = $'0001.mid\n0002.mid\n0003.mid' ]
    [ "$(jq -r 'select(.kind == "output") | .path' records)" = $'out/0001.mid\nout/0002.mid\nout/0003.mid' ]
    jq -se 'map(select(.kind == "output") | .tokens == 32 and .seed == 1 and .seconds > 0) | all' records
    [ "$(jq -rs 'map(select(.kind == "output") | .id) | unique | length' records)" -eq 3 ]
}

@test "one piece goes to standard output, and no records" {
    mgen-gen -m m.safetensors --steps 32 -o out >/dev/null
    mgen-gen -m m.safetensors --steps 32 -o - >piped.mid
    cmp out/0001.mid piped.mid
    mgen-gen -m m.safetensors --steps 32 -o - | cmp out/0001.mid -
    [ "$(ls)" = $'m.safetensors\nout\npiped.mid' ]
    for n in 0 2; do
        run -2 mgen-gen -m m.safetensors -n $n -o -
        assert_output --partial "standard output takes one piece, not $n"
    done
    run -3 bash -c 'mgen-gen -m m.safetensors -o - >/dev/full'
}

@test "names are as long as their number needs, so that they sort" {
    mgen-gen -j1 -m m.safetensors -n 10000 --steps 1 -o many | head -n 2 >/dev/null
    [ -e many/00001.mid ]
    mgen-gen -j1 -m m.safetensors -n 9999 --steps 1 -o few | head -n 2 >/dev/null
    [ -e few/0001.mid ]
}

@test "with no pieces the model is looked at all the same" {
    mgen-gen -m m.safetensors -n 0 -o out >records
    [ "$(jq -r .kind records)" = run ]
    run -3 mgen-gen -m nope -n 0 -o out
    [ ! -e out ]
}

@test "options of inputs are not there, and inputs are refused" {
    for options in '-0 list' '--files0-from=list' '--shard 1/2' --lenient '--allow-errors 1'; do
        # shellcheck disable=SC2086
        run -2 mgen-gen -m m.safetensors -o out $options
        assert_output --partial "there is no option"
    done
    for form in --help --help-json --help-mdoc --help-bash --help-zsh; do
        mgen-gen $form >help
        run ! grep -E 'files0-from|shard|lenient|allow-errors' help
        mgen-eval $form | grep -q allow-errors
    done
    run -2 mgen-gen -m m.safetensors -o out tune.mid
    assert_output --partial "tune.mid: takes no inputs"
}

@test "a tempo is one that MIDI can say" {
    for bpm in 0 0.001 3.5 -3 nan 1001; do run -2 mgen-gen -m m.safetensors --bpm $bpm -o out; done
    mgen-gen -m m.safetensors --steps 8 --bpm 3.58 -o out >/dev/null
    mgen-eval --only tempo_mean_bpm out | jq -se 'last.metrics.tempo_mean_bpm | . > 3.5 and . < 3.6'
}

@test "a piece depends on its number and the seed, not on how many there are or on threads" {
    mgen-gen --no-provenance -j1 -m m.safetensors -n 20 --steps 24 -o a >/dev/null
    mgen-gen --no-provenance -j7 -m m.safetensors -n 20 --steps 24 -o b >/dev/null
    mgen-gen --no-provenance -m m.safetensors -n 9 --steps 24 -o c >/dev/null
    diff -r a b
    for f in c/*; do cmp "$f" "a/${f#c/}"; done
    mgen-gen --no-provenance -m m.safetensors --seed 2 --steps 24 -o d >/dev/null
    run ! cmp -s a/0001.mid d/0001.mid
}

@test "temperature 0 says the same again and again, whatever is left to chance" {
    mgen-gen --no-provenance -m m.safetensors -n 2 --temperature 0 -o a >/dev/null
    mgen-gen --no-provenance -m m.safetensors -n 1 --top-k 1 --seed 7 -o b >/dev/null
    cmp a/0001.mid a/0002.mid
    cmp a/0001.mid b/0001.mid
}

@test "a primer is what a piece begins with, in its tempo" {
    mgen-gen --no-provenance -m m.safetensors --steps 32 --bpm 77 --seed 3 -o first >/dev/null
    mgen-gen --no-provenance -m m.safetensors --primer first/0001.mid --steps 16 -n 2 -o out >records
    jq -se 'map(select(.kind == "output")) | .[0].tokens == 48 and .[0].prompt == "first/0001.mid"' records
    mgen-eval --only tempo_mean_bpm out | jq -se 'last.metrics.tempo_mean_bpm | . > 76.9 and . < 77.1'
    run ! cmp -s out/0001.mid out/0002.mid
}

@test "a primer that the model's encoding cannot say, or that is none, is refused" {
    rolls 12 | mgen-train -q --hidden 16 --batch 4 --max-steps 2 -o r.safetensors >/dev/null
    mgen-gen -m r.safetensors --steps 16 -o chords >/dev/null
    run -1 mgen-gen -m m.safetensors --primer chords/0001.mid -o out
    assert_output --partial "chords/0001.mid: "
    echo hello >text.txt
    run -1 mgen-gen -m m.safetensors --primer text.txt -o out
    run -3 mgen-gen -m m.safetensors --primer none.mid -o out
    assert_output "mgen-gen: none.mid: No such file or directory"
}

@test "rolls become chords" {
    rolls 12 | mgen-train -q --hidden 16 --batch 4 --max-steps 5 -o r.safetensors >/dev/null
    mgen-gen -m r.safetensors -n 2 --steps 16 -o out >/dev/null
    [ -s out/0002.mid ]
}

@test "files that are there are not replaced unasked" {
    mgen-gen -m m.safetensors --steps 4 -o out >/dev/null
    run -3 mgen-gen -m m.safetensors --steps 4 -o out
    assert_output --partial "exists already"
    mgen-gen --force -m m.safetensors --steps 4 -o out >/dev/null
}

@test "a long generation stops when asked to, and what was done stays" {
    mgen-gen -j1 -m m.safetensors -n 9999 --steps 4096 -o out >records &
    await test -e out/0008.mid
    kill -TERM $!
    local status=0
    wait $! || status=$?
    [ "$status" -eq 143 ]
    valid_records records
    [ "$(ls out | wc -l)" -eq "$(jq -s 'map(select(.kind == "output")) | length' records)" ]
    [ -z "$(find out -name '.*' -type f)" ]
    timeout -k 5 1 mgen-gen -m m.safetensors --steps 1000000000 -o endless >/dev/null || status=$?
    [ "$status" -eq 124 ] # it had to be killed by nothing stronger
}

@test "a model with a number that is not finite is refused with 4" {
    cp m.safetensors odd.safetensors
    printf '\0\0\300\177' | dd of=odd.safetensors bs=1 seek=$(($(stat -c %s m.safetensors) - 4)) conv=notrunc status=none
    run -4 mgen-gen -m odd.safetensors -o out
    assert_output --regexp '^mgen-gen: odd.safetensors: tensor [a-z0-9_.]+: not all of its numbers are finite$'
    [ ! -e out ]
}

@test "what is no model is refused" {
    run -2 mgen-gen -o out
    run -2 mgen-gen -m m.safetensors
    run -3 mgen-gen -m none.safetensors -o out
    echo hello >text.safetensors
    run -1 mgen-gen -m text.safetensors -o out
    melodies 3 | mgen-train -q --hidden 8 --max-steps 1 -o x.safetensors >/dev/null
    run -1 mgen-gen -m x.data -o out
    assert_output --partial "not a model of mgen"
    head -c 2000 m.safetensors >cut.safetensors
    run -1 mgen-gen -m cut.safetensors -o out
}

@test "an injected primer is the upper voice of every piece" {
    mgen-prep -q -e polyphony259 --min-steps 1 "$MGEN_ROOT/share/tunes/carols.abc" |
        mgen-train -q --hidden 8 --embedding 4 --batch 8 --max-steps 2 -o poly.safetensors >/dev/null
    tune 72 74 76 77 >melody.mid
    mgen-gen -m poly.safetensors --primer melody.mid --inject -n 3 --steps 300 -o out >records
    valid_records records
    for piece in out/*.mid; do # where the melody sounds, it is the highest
        mgen-prep -q -e polyphony259 --min-steps 1 --max-steps 0 "$piece" | jq -e '
            .tokens | map(select(. != null)) | . as $t | [indices(2)[]] as $ends |
            [range(16) | $t[if . == 0 then 0 else $ends[. - 1] + 1 end] | (. - 3) % 128] ==
            [72, 72, 72, 72, 74, 74, 74, 74, 76, 76, 76, 76, 77, 77, 77, 77]'
    done
    run -2 mgen-gen -m poly.safetensors --inject -o none
    assert_output --partial "there is no primer"
    melodies 5 | mgen-train -q --hidden 8 --embedding 4 --max-steps 1 -o mono.safetensors >/dev/null
    run -2 mgen-gen -m mono.safetensors --primer melody.mid --inject -o none
    assert_output --partial "mono.safetensors: its encoding, melody38, has no steps to fill in"
}
