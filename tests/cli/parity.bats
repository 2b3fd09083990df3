#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# make parity: it passes what agrees, finds a changed value in every format, and counts what it cannot do.
bats_require_minimum_version 1.5.0
load helpers

FIXTURES=$MGEN_ROOT/../shared/fixtures/symbolic

parity() { "$MGEN_ROOT/${BUILD:-build}/tests/parity/parity" --root "$MGEN_ROOT/../shared" "$@"; }

# changed FILE FILTER CHANGE: the first line of FILE that FILTER selects passes; after the jq program CHANGE it fails.
changed() {
    rm -rf one && mkdir one
    jq -c "select($2)" "$FIXTURES/$1" | head -n 1 >one/"$1"
    parity one >out 2>err || { echo "$1: fails unchanged"; cat out; return 1; }
    jq -c "$3" "one/$1" >new && mv new "one/$1"
    ! parity one >out 2>err || { echo "$1: $3 is not noticed"; return 1; }
    valid_records out
}

@test "records follow their schemas, the summary counts them" {
    need "$FIXTURES"
    parity "$FIXTURES" >out 2>err
    valid_records out
    run jq -rs '"parity: \(map(select(.passed)) | length) passed, 0 failed, \(map(select(.kind == "unsupported")) | length) unsupported"' out
    assert_output "$(cat err)"
}

@test "a changed value is found: reading" {
    need "$FIXTURES"
    local with='.mido.n_notes > 10 and .mido.end_seconds != null and .mido.tempos.n > 0'
    for change in '.mido.digest_fifo = "0"' '.mido.digest_lifo = "0"' '.mido.orphan_offs += 1' '.mido.unclosed += 1' \
        '.mido.tracks[-1].sum_start += 1' '.mido.tracks[-1].last_tick += 1' '.mido.tracks[-1].channels += [15]' \
        '.mido.tempos.sha256 = "0"' '.mido.time_signatures.n += 1' '.mido.key_signatures += [[0, "C"]]' \
        '.mido.counts.lyrics += 1' '.mido.counts.sysex += 1' '.mido.end_seconds *= 1.00000001' '.mido.last_tick += 1' \
        '.symusic.digest = "0"' '.policies["lifo,zero=keep,unclosed=close"].digest = "0"'; do
        changed reading.jsonl "$with" "$change" || return 1
    done
    changed reading.jsonl '.mido.pedals | length > 0' '.mido.pedals[0].sum_duration += 1'
    changed reading.jsonl '.mido.key_signatures | length > 0' '.mido.key_signatures[0][1] = "Cm"'
    changed reading-notes.jsonl '.lifo != null' '.lifo[3][4] += 1'
}

@test "a changed value is found: metrics" {
    need "$FIXTURES"
    for name in n_pitches_used n_pitch_classes_used pitch_range empty_beat_rate polyphony polyphony_rate \
        scale_consistency pitch_entropy pitch_class_entropy empty_measure_rate groove_consistency \
        polyphony_rate_threshold_1 empty_measure_rate_first_ts groove_consistency_first_ts; do
        changed metrics.jsonl ".muspy.$name != null and .muspy.error == null" ".muspy.$name += 1e-7" || return 1
    done
    for name in drum_pattern_consistency drum_in_duple_rate drum_in_triple_rate; do
        changed metrics.jsonl ".muspy.$name != null" ".muspy.$name += 1e-7" || return 1
        changed metrics.jsonl ".muspy.n_pitches_used > 0 and .muspy.$name == null" ".muspy.$name = 0" || return 1
    done
    for change in '.muspy.pitch_entropy = null' '.muspy.pitch_in_scale_rate_minor[4] += 1e-7' \
        '.muspy.inputs.sum_time += 1' '.keys.BellmanBudge.major[3] += 1e-7' '.keys.AardenEssen.minor[11] += 1e-7' \
        '.keys.KrumhanslSchmuckler.best[0] += 1' '.keys.SimpleWeights.best[3] += 1e-7' '.keys.ticks[0] += 1' \
        '.general.ioi_ticks_mean *= 1.00000001' '.general.velocity_entropy += 1e-7' '.general.distinct_onsets += 1' \
        '.musdr_native.H4 += 1e-7' '.musdr_native.GS += 1e-7'; do
        changed metrics.jsonl '.keys != null and .muspy.pitch_entropy != null' "$change" || return 1
    done
}

@test "a changed value is found: events, tunes, rolls, corpus tests" {
    need "$FIXTURES"
    changed events.jsonl '.performance388.complete' '.performance388.ids[5] += 1'
    changed events.jsonl '.performance388.complete | not' '.performance388.sha256 = "0"'
    changed abc.jsonl '.agree and .abc2midi.n > 5' '.abc2midi.notes[5][2] += 1'
    changed abc.jsonl '.agree and .abc2midi.n > 5' '.abc2midi.n += 1'
    changed rolls.jsonl '.low == 21' '.splits.test.sha256 = "0"'
    changed rolls.jsonl '.low == 21' '.nll_nats_per_frame.markov_add_one.valid += 1e-7'
    changed rolls.jsonl '.path | test("json")' '.splits.train.pitches += 1'
    changed quality.jsonl '.all_pass' '.mean_velocity += 1e-6'
    changed quality.jsonl '.all_pass' '.pass.length = false'
    changed quality.jsonl '.all_pass' '.max_density_in["10"][1] += 1e-6'
}

@test "a changed row of midi-stats.tsv is found" {
    need "$DATA/abc-small"
    cp -R "$DATA/abc-small" copy && chmod -R u+w copy
    parity copy
    for column in 2 3 4 5 6 7 8 9 10 11 12 13; do
        awk -F '\t' -v OFS='\t' -v c=$column 'NR == 3 { $c = c == 12 ? $c ";7/8" : $c + 1 } { print }' \
            "$DATA/abc-small/midi-stats.tsv" >copy/midi-stats.tsv
        run -1 parity copy
    done
}

@test "a check is known by what it compares, whatever it is called" {
    need "$FIXTURES"
    cp -R "$FIXTURES/../sequence/lstm-tiny" renamed && chmod -R u+w renamed
    jq '.checks |= map(if .name == "forward" then .name = "onwards" else . end)' renamed/fixture.json >new
    mv new renamed/fixture.json
    LC_ALL=C sed -i 's|"forward/|"onwards/|g' renamed/expect.safetensors
    parity renamed >out 2>err
    run jq -r 'select(.check == "onwards") | "\(.fixture) \(.passed)"' out
    assert_output 'renamed true'
    cmp err <(echo 'parity: 7 passed, 0 failed, 0 unsupported')
}

@test "what it does not know is unsupported, and nothing at all is a failure" {
    mkdir odd empty
    echo '{}' >odd/tokens.json
    run -0 --separate-stderr parity odd
    assert_output --partial '"kind":"unsupported"'
    run -1 parity empty
    run -3 parity nowhere
}
