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

@test "nor on threads inside a step, which a larger model has" {
    melodies 20 | mgen-train -q --hidden 260 --layers 1 --max-steps 1 -o wide.safetensors >/dev/null
    for precision in float32 bfloat16 int8; do
        for j in 1 2 7; do
            mgen-gen --no-provenance -j$j --precision $precision -m wide.safetensors -n 3 --steps 64 -o $precision-$j >/dev/null
        done
        diff -r $precision-1 $precision-2
        diff -r $precision-1 $precision-7
    done
}

@test "in 16 or 8 bits a piece is another, but depends on no more than with floats" {
    mgen-gen --no-provenance -m m.safetensors -n 20 --steps 400 -o c >/dev/null
    for precision in bfloat16 int8; do
        mgen-gen --no-provenance -j1 --precision $precision -m m.safetensors -n 20 --steps 400 --force -o a >/dev/null
        mgen-gen --no-provenance -j7 --precision $precision -m m.safetensors -n 3 --steps 400 --force -o b >/dev/null
        for piece in b/*; do cmp "$piece" "a/${piece#b/}"; done
        run ! diff -r a c
    done
}

@test "temperature 0 says the same again and again, whatever is left to chance" {
    mgen-gen --no-provenance -m m.safetensors --temperature 0 -o a >/dev/null
    mgen-gen --no-provenance -m m.safetensors -n 2 --top-k 1 --seed 7 -o b >/dev/null
    cmp a/0001.mid b/0001.mid
    cmp a/0001.mid b/0002.mid
    run -2 mgen-gen -m m.safetensors -n 2 --temperature 0 -o c
    assert_output 'mgen-gen: --count: at temperature 0 all pieces are the same'
}

@test "a primer is what a piece begins with, in its tempo" {
    mgen-gen --no-provenance -m m.safetensors --steps 32 --bpm 77 --seed 3 -o first >/dev/null
    mgen-gen --no-provenance -m m.safetensors --primer first/0001.mid --steps 16 -n 2 -o out >records
    jq -se 'map(select(.kind == "output")) | .[0].tokens == 48 and .[0].prompt == "first/0001.mid"' records
    mgen-eval --only tempo_mean_bpm out | jq -se 'last.metrics.tempo_mean_bpm | . > 76.9 and . < 77.1'
    run ! cmp -s out/0001.mid out/0002.mid
}

# waltz: three bars of 3/4 in G, the last of them slower.
waltz() {
    printf 'X:1\nT:Waltz\nM:3/4\nL:1/4\nQ:1/4=144\nK:G\nG A B | c B A | [Q:1/4=96] G3 |]\n' >waltz.abc
}

@test "a piece is as long as its steps, seconds or bars say, without its primer" {
    tokens() { mgen-gen --no-provenance --force -m m.safetensors -o out "$@" | jq -r .tokens; }
    waltz
    [ "$(tokens --steps 10)" -eq 10 ]
    [ "$(tokens --seconds 3 --bpm 120)" -eq 24 ]
    [ "$(tokens --bars 2.5)" -eq 40 ]
    [ "$(tokens)" -eq 256 ]
    [ "$(tokens --bars 2 --primer waltz.abc)" -eq $((36 + 24)) ]
    [ "$(tokens --seconds 5 --primer waltz.abc)" -eq $((36 + 32)) ] # at its last tempo
    for two in '--steps 3 --bars 1' '--bars 1 --seconds 1' '--seconds 1 --steps 1'; do
        # shellcheck disable=SC2086
        run -2 mgen-gen -m m.safetensors -o none $two
        assert_output --partial "one of them says how long a piece is"
    done
}

@test "a piece goes on in the primer's key and meter, and keeps its changes of tempo" {
    waltz
    mgen-gen -m m.safetensors --primer waltz.abc --bars 4 -o out >/dev/null
    mgen-info out/0001.mid | jq -se 'last | .keys == [{at: 0, key: "G major"}] and .meters == [{at: 0, meter: "3/4"}] and
        .n_tempi == 2 and (.tempi | map(.bpm | round)) == [144, 96] and .bars == 7'
    mgen-gen -m m.safetensors --primer waltz.abc --bars 4 --bpm 60 -o slow >/dev/null
    mgen-info slow/0001.mid | jq -se 'last | (.tempi | map(.bpm)) == [60] and .meters[0].meter == "3/4"'
}

@test "a primer may be a record, or a list as Magenta takes it" {
    printf '{"kind":"piece","id":"%032d","path":"x","encoding":"melody38","vocab_hash":"","meta":{"key":"D major","meter":"3/4","bpm":100},"tokens":[14,0,16,0,18,0]}\n' 1 >r.ndjson
    { echo '{"kind":"dropped","path":"y","reason":"notes","measure":1}'; cat r.ndjson; } >records
    mgen-gen --no-provenance -m m.safetensors --primer records --steps 8 -o a | jq -se '.[0].tokens == 14'
    mgen-info a/0001.mid | jq -se 'last | .keys[0].key == "D major" and .meters[0].meter == "3/4"'
    mgen-gen --no-provenance -m m.safetensors --primer - --steps 8 -o b <r.ndjson >/dev/null
    cmp a/0001.mid b/0001.mid
    mgen-gen -m m.safetensors --primer-melody '[60, -2, 62, -2, 64, -2]' --bpm 100 --steps 8 -o c >list
    valid_records list
    jq -se 'last | .tokens == 14 and .prompt == "[60, -2, 62, -2, 64, -2]"' list
    notes() { mgen-prep -q --no-provenance --encoding melody38 "$1" | jq -c .tokens; }
    [ "$(notes a/0001.mid)" = "$(notes c/0001.mid)" ]
    for list in '60 62' '[]' '[-2, -1]' '[128]' '[-3]' '["60"]' '[30]' '{"a":60}'; do
        run -2 mgen-gen -m m.safetensors --primer-melody "$list" -o none
        assert_output --partial "mgen-gen: --primer-melody: "
    done
    run -2 mgen-gen -m m.safetensors --primer-melody '[60]' --primer r.ndjson -o none
    run -1 mgen-gen -m m.safetensors --primer <(echo '{"kind":"dropped","path":"y","reason":"notes","measure":1}') -o none
    assert_output --partial "holds no music"
}

@test "options that would mean nothing are refused by name" {
    rolls 12 | mgen-train -q --hidden 16 --batch 4 --max-steps 2 -o r.safetensors >/dev/null
    refuses() { # MODEL OPTION ARGUMENT...
        run -2 mgen-gen -o none -m "$1" "${@:2}"
        assert_output --partial "mgen-gen: $2: "
    }
    refuses m.safetensors --top-k 3 --temperature 0
    refuses m.safetensors --top-p 0.9 --temperature 0
    refuses r.safetensors --top-k 3
    refuses r.safetensors --top-p 0.9
    refuses m.safetensors --beam-steps 3
    run -2 mgen-gen -o none -m m.safetensors --branch 3 --temperature 0
    assert_output --partial "mgen-gen: --beam, --branch: at temperature 0"
    [ ! -e none ]
}

@test "where seconds are counted a piece is so many of them, and beats are refused" {
    mgen-prep -q --encoding performance388 "$TUNES/carols.abc" | mgen-train -q --hidden 16 --batch 4 --max-steps 3 -o p.safetensors >/dev/null
    mgen-gen -m p.safetensors -n 3 --seconds 4 --temperature 1.5 -o out >records
    jq -se 'map(select(.kind == "output") | .seconds == 4) | all' records
    mgen-info --each --strict out >/dev/null
    mgen-gen -m p.safetensors --steps 250 -o steps | jq -se 'last.seconds == 2.5'
    waltz
    mgen-gen -m p.safetensors --seconds 2 --primer waltz.abc -o keyed >/dev/null
    mgen-info keyed/0001.mid | jq -se 'last | .keys[0].key == "G major" and (has("meters") | not)'
    for option in '--bpm 100' '--bars 3'; do
        # shellcheck disable=SC2086
        run -2 mgen-gen -o none -m p.safetensors $option
        assert_output --partial "mgen-gen: ${option% *}: the model's encoding counts seconds, not beats"
    done
}

@test "a piece says what model and primer it comes from, and what data the model" {
    waltz
    melodies 20 >tunes.ndjson
    mgen-prep -q tunes.ndjson -o set.safetensors >/dev/null
    mgen-train -q --hidden 8 --max-steps 2 -o x.safetensors set.safetensors >/dev/null
    mgen-gen -m x.safetensors --primer waltz.abc --temperature 0.5 -o out >records
    valid_records records
    mgen-info --verify out/0001.mid | jq -se 'last | .passed and .files == {model: "same", data: "same", primer: "same"}'
    mgen-info x.safetensors | jq -r 'select(.kind == "info") | .metadata.mgen.data_hash' >hash
    [ "$(jq -r 'select(.kind == "output") | .data_hash' records)" = "$(cat hash)" ]
    mgen-info out/0001.mid | jq -se 'last.provenance | .options.temperature == 0.5 and .options.top_p == 1 and .number == 1'
    mgen-info out/0001.mid | jq -se --rawfile hash hash 'last.provenance.files.data.hash + "\n" == $hash'
    echo >>set.safetensors
    run -1 --separate-stderr mgen-info --verify out/0001.mid
    jq -se 'last.files.data == "differs"' <<<"$output"
    mgen-train -q --no-provenance --hidden 8 --max-steps 2 -o y.safetensors tunes.ndjson >/dev/null
    mgen-gen -m y.safetensors -o y >/dev/null
    mgen-info --verify y/0001.mid | jq -se 'last | .passed and .files == {model: "same", data: "unnamed"}'
}

@test "a model in which a bit has changed is told" {
    melodies 20 | mgen-train -q --hidden 8 --max-steps 2 -o x.safetensors >/dev/null
    run -0 --separate-stderr mgen-gen -m x.safetensors -o whole
    assert_equal "$stderr" ""
    size=$(stat -c %s x.safetensors)
    { head -c $((size - 101)) x.safetensors && printf '\1' && tail -c 100 x.safetensors; } >y.safetensors
    run -0 --separate-stderr mgen-gen -m y.safetensors -o changed
    [[ $stderr == "mgen-gen: y.safetensors: is no longer what was written"* ]]
    mgen-gen -m <(cat x.safetensors) -o piped >/dev/null # what is no file is left to whoever loads it
    melodies 3 >three
    run -0 --separate-stderr mgen-eval --likelihood y.safetensors three
    [[ $stderr == *"mgen-eval: y.safetensors: is no longer what was written"* ]]
}

@test "a primer that the model's encoding cannot say, or that is none, is refused" {
    rolls 12 | mgen-train -q --hidden 16 --batch 4 --max-steps 2 -o r.safetensors >/dev/null
    mgen-gen -m r.safetensors --steps 16 -o chords >/dev/null
    run -1 mgen-gen -m m.safetensors --primer chords/0001.mid -o out
    assert_output --partial "chords/0001.mid: "
    assert_output --partial "mgen-prep -e melody38 makes"
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
    assert_output --regexp 'mgen-gen: odd.safetensors: tensor [a-z0-9_.]+: not all of its numbers are finite$'
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
    head -c -100 m.safetensors >cut.safetensors
    run -1 mgen-gen -m cut.safetensors -o out
    assert_output --partial 'which may have been cut'
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

@test "beam search is the same at any number of threads and pieces" {
    beams() { mgen-gen --no-provenance -m m.safetensors --steps 24 --beam 3 --branch 4 "$@" >/dev/null; }
    beams -j1 -n 5 --beam-steps 2 -o a
    beams -j7 -n 5 --beam-steps 2 -o b
    beams -n 2 --beam-steps 2 -o c
    diff -r a b
    cmp a/0001.mid c/0001.mid
    cmp a/0002.mid c/0002.mid
    run ! cmp -s a/0001.mid a/0002.mid
    mgen-gen --no-provenance -m m.safetensors --steps 24 --beam 1 --branch 1 -o plain >/dev/null
    mgen-gen --no-provenance -m m.safetensors --steps 24 -o none >/dev/null
    cmp plain/0001.mid none/0001.mid
}
