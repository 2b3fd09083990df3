#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-render: files under their names, levels, bounds, and nothing half-written.
load helpers

MIDI=$MGEN_ROOT/tests/fuzz/corpus/midi

render() { mgen-render --synth built-in --rate 8000 "$@"; }

# bytes FILE OFFSET N: a little-endian number.
number() { od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }

# A note of half a second: named, then again under any further names.
make_notes() {
    for name in "$@"; do
        mkdir -p "$(dirname "$name")"
        printf 'MThd\0\0\0\6\0\0\0\1\0\140MTrk\0\0\0\14\0\220\105\144\140\200\105\100\0\377\57\0' >"$name"
    done
}

@test "a folder gets a file for each piece, under its name" {
    make_notes in/a.mid in/b.MIDI
    render -o wav in >out
    valid_records out
    [ "$(ls wav)" = $'a.wav\nb.wav' ]
    [ "$(jq -r 'select(.kind == "output") | .path + " " + .source' out)" = $'wav/a.wav in/a.mid\nwav/b.wav in/b.MIDI' ]
}

@test "where a name is taken, the next ones get a number, in the order of the inputs" {
    make_notes 1/a.mid 2/a.mid 3/a.mid 3/a_2.mid
    render -j 2 -o wav 1 2 3 >out
    [ "$(jq -r 'select(.kind == "output") | .source + " " + .path' out)" = \
        $'1/a.mid wav/a.wav\n2/a.mid wav/a_2.wav\n3/a.mid wav/a_3.wav\n3/a_2.mid wav/a_2_2.wav' ]
}

@test "the WAV says its true length, also into a pipe, where no record goes" {
    make_notes a.mid
    render -o a.wav --channels 1 --depth 24 a.mid >out
    [ "$(head -c 4 a.wav)" = RIFF ]
    [ "$(number a.wav 4 4)" -eq $(($(stat -c %s a.wav) - 8)) ]
    [ "$(number a.wav 22 2)" -eq 1 ] && [ "$(number a.wav 24 4)" -eq 8000 ] && [ "$(number a.wav 34 2)" -eq 24 ]
    render -o - --no-provenance a.mid | cat >pipe.wav
    [ "$(head -c 4 pipe.wav)" = RIFF ]
    [ "$(number pipe.wav 4 4)" -eq $(($(stat -c %s pipe.wav) - 8)) ]
    [ "$(number pipe.wav 40 4)" -eq $(($(stat -c %s pipe.wav) - 44)) ]
}

@test "standard output may be a file or a device" {
    make_notes a.mid
    render -o - a.mid >file.wav
    [ "$(number file.wav 4 4)" -eq $(($(stat -c %s file.wav) - 8)) ]
    run -0 render -o - a.mid >/dev/null
    run -0 render -o /dev/null a.mid
    run -2 script -qec "mgen-render -o - tune.mid" /dev/null </dev/null
    assert_output --partial "is a terminal"
}

@test "a name that means another format is refused" {
    make_notes a.mid
    for args in '-o song.mp3' '-o c.wav --format flac' '-o - --format flac' '-o c.flac --format wav' '-o '; do
        IFS=' ' read -ra words <<<"$args "
        [ "$args" = '-o ' ] && words=(-o '')
        run -2 render "${words[@]}" a.mid
    done
    [ "$(ls)" = a.mid ]
}

@test "the bytes are the same with one thread and with more" {
    make_notes 1.mid 2.mid 3.mid 4.mid
    cp "$MIDI"/plain plain.mid
    render -j 1 -o one --format flac ./*.mid >out-1
    render -j 3 -o three --format flac ./*.mid >out-3
    for f in one/*; do cmp "$f" "three/$(basename "$f")"; done
    cmp <(jq -c 'del(.path)' out-1 | tail -n +2) <(jq -c 'del(.path)' out-3 | tail -n +2)
}

@test "a full disk is said, exit 3, and nothing half-written stays" {
    make_notes a.mid
    status=0
    (trap '' XFSZ; ulimit -f 8; render -o a.wav --rate 48000 a.mid) >out 2>err || status=$?
    [ "$status" -eq 3 ] && grep -qE '[ /]\.mgen-temporary-.{6}: File too large$' err
    [ ! -e a.wav ] && [ -z "$(find . -name '.mgen*')" ]
    TMPDIR=nowhere run -3 render -o - a.mid
    assert_output --partial 'nowhere/mgen-temporary-'
    status=0
    render -o /dev/full a.mid >out 2>err || status=$?
    [ "$status" -eq 3 ] && grep -q 'No space left' err
}

@test "what exists is replaced with --force alone" {
    make_notes a.mid
    echo precious >a.wav
    run render -o a.wav a.mid
    [ "$status" -eq 3 ]
    [ "$(cat a.wav)" = precious ]
    render --force -o a.wav a.mid >out
    [ "$(head -c 4 a.wav)" = RIFF ]
}

@test "one file takes one piece" {
    make_notes a.mid b.mid
    run render -o a.wav a.mid b.mid
    [ "$status" -eq 1 ]
    assert_output --partial 'name a folder'
    [ -e a.wav ]
}

@test "a note without end is cut" {
    # note on, and its note-off 2^21 ticks, three hours later
    printf 'MThd\0\0\0\6\0\0\0\1\0\140MTrk\0\0\0\17\0\220\105\144\201\200\200\0\200\105\100\0\377\57\0' >bomb.mid
    render --max-seconds 2 -o bomb.wav bomb.mid >out
    jq -e 'select(.kind == "output") | .cut and .seconds == 2' out
}

@test "the loudness asked for is reached, and gain is added to it" {
    make_notes a.mid
    render --loudness -30 -o a.wav a.mid >out
    jq -e 'select(.kind == "output") | .loudness_lufs == -30' out
    render --loudness -30 --gain -3 -o b.wav a.mid >out
    jq -e 'select(.kind == "output") | .loudness_lufs == -33' out
    render --loudness none -o c.wav a.mid >out
    jq -e 'select(.kind == "output") | .gain_db == 0' out
}

@test "records with tokens and records with a path are played" {
    make_notes a.mid
    printf '{"kind":"output","id":"%032d","path":"a.mid"}\n' 0 | render -o wav >out
    [ -e wav/a.wav ]
    printf '{"kind":"piece","path":"x.abc#2","encoding":"performance388","tokens":[360,60,305,188]}\n' |
        render -o wav >out
    [ -e wav/x-2.wav ]
}

@test "usage that makes no sense is refused" {
    for wrong in "a.mid" "-o a.flac --depth float a.mid" "-o a.wav --rate 7 a.mid" "-o a.wav --loudness 3 a.mid" \
        "-o a.wav --synth built-in --soundfont x.sf2 a.mid"; do
        # shellcheck disable=SC2086
        run mgen-render $wrong
        [ "$status" -eq 2 ] || { echo "$wrong: $status"; false; }
    done
}

@test "a sound font that is none is said" {
    make_notes a.mid
    echo none >font.sf2
    run mgen-render --soundfont font.sf2 -o a.wav a.mid
    [ "$status" -eq 1 ]
    assert_output --partial 'not a sound font'
    [ ! -e a.wav ]
}

@test "a sound font plays" {
    [ -n "$(find /usr/share/sounds/sf2 -name '*.sf2' 2>/dev/null)" ] || skip "no sound font is installed"
    make_notes a.mid
    mgen-render --rate 22050 -o a.wav a.mid >out 2>err
    jq -e 'select(.kind == "output") | .synth == "fluidsynth" and .soundfont and .loudness_lufs != null' out
    [ ! -s err ]
}

@test "a long piece is interrupted, and leaves nothing" {
    make_tune() { printf 'X:1\nL:1/4\nQ:1/4=20\nK:C\n|:'; for i in $(seq 2000); do printf 'CEGc|'; done; printf ':|\n'; }
    make_tune >long.abc
    interrupted mgen-render --synth built-in --rate 96000 --max-seconds 86400 -o long.wav long.abc
    [ ! -e long.wav ] && [ -z "$(find . -name '.mgen*')" ]
}
