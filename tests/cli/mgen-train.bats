#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-train: what it makes of its input, and that nothing gets lost when it is stopped.
load helpers
load melodies
bats_require_minimum_version 1.5.0

small=(--hidden 8 --embedding 4 --batch 8)

@test "a training writes model, state and data, and step records that follow their schema" {
    melodies 30 | mgen-train -q "${small[@]}" --epochs 4 -o m.safetensors >out
    valid_records out
    [ -s m.safetensors ] && [ -s m.state ] && [ -s m.data ]
    [ "$(jq -s 'map(select(.valid_loss)) | length' out)" -eq 4 ]
    jq -se 'map(select(.kind == "step")) | first.loss > last.loss' out
}

@test "the loss falls to what is known of the data" {
    # notes come in pairs of equals: half of the tokens can be known
    melodies 60 | mgen-train -q --hidden 32 --lr 0.01 --epochs 40 --patience 0 -o m.safetensors >out
    jq -se 'map(.valid_loss // empty) | last < 1.8' out
}

@test "the same seed gives the same bytes with any number of threads, another seed gives others" {
    melodies 20 >records
    for j in 1 2 7; do mgen-train -q -j $j "${small[@]}" --max-steps 9 --force -o m.safetensors records >/dev/null && cp m.state $j.state; done
    cmp 1.state 2.state
    cmp 1.state 7.state
    mgen-train -q --seed 2 "${small[@]}" --max-steps 9 --force -o m.safetensors records >/dev/null
    run ! cmp -s m.state 1.state
}

@test "in bfloat16 as well, which is near, is kept to when it goes on, and said by the state" {
    melodies 20 >records
    for j in 1 7; do
        mgen-train -q -j $j --precision bfloat16 "${small[@]}" --max-steps 9 --force -o m.safetensors records >b16
        cp m.state $j.state
    done
    cmp 1.state 7.state
    mgen-train -q "${small[@]}" --max-steps 9 -o f.safetensors records >f32
    jq -ne --slurpfile a f32 --slurpfile b b16 '[$a, $b] | map(map(.loss // empty) | last) | (.[0] - .[1]) | fabs | . > 0 and . < 0.01'
    mgen-train -q --precision bfloat16 "${small[@]}" --max-steps 4 --force -o m.safetensors records >/dev/null
    mgen-train -q --resume --max-steps 9 -o m.safetensors records >/dev/null
    cmp m.state 1.state
    run -2 mgen-train --resume --precision float32 -o m.safetensors
    assert_output --partial "m.state: --precision is not what the training began with"
    strings -n 100 m.state | grep -q 'precision[\\":]*bfloat16'
}

@test "killed or stopped and resumed, it ends with the bytes of a training that went through" {
    melodies 30 >records
    long=("${small[@]}" --dropout 0.3 --max-steps 600 --patience 0 --epochs 0)
    mgen-train -q "${long[@]}" -o whole.safetensors records >/dev/null
    for signal in KILL TERM INT; do
        (trap - INT; exec mgen-train -q "${long[@]}" --save-seconds 0.05 --force -o m.safetensors records >/dev/null) &
        pid=$!
        sleep 0.3
        kill -$signal $pid 2>/dev/null || true
        wait $pid || true
        mgen-train -q --resume --max-steps 600 --patience 0 --epochs 0 -o m.safetensors records >/dev/null
        cmp m.state whole.state
    done
}

@test "a signal saves and says so with its number" {
    melodies 30 >records
    for signal in TERM:143 INT:130; do
        (trap - INT; exec mgen-train "${small[@]}" --epochs 0 --patience 0 --force -o m.safetensors records >/dev/null 2>err) &
        pid=$!
        await test -e m.state
        sleep 0.3
        kill -"${signal%:*}" $pid
        status=0
        wait $pid || status=$?
        [ "$status" -eq "${signal#*:}" ]
        grep -q "stopped; mgen-train --resume -o m.safetensors goes on" err
        [ -s m.safetensors ]
        rm m.*
    done
    [ -z "$(find . -name '.mgen-*')" ]
}

@test "what came through a pipe need not come again" {
    melodies 20 | mgen-train -q "${small[@]}" --max-steps 3 -o m.safetensors >/dev/null
    mgen-train -q --resume --max-steps 6 -o m.safetensors </dev/null >out
    [ "$(jq -s 'map(.step // empty) | max' out)" -eq 6 ]
}

@test "resuming keeps to what was begun" {
    melodies 20 | mgen-train -q "${small[@]}" --max-steps 3 -o m.safetensors >/dev/null
    run -2 mgen-train --resume --weight-decay 0.5 -o m.safetensors
    assert_output --partial "m.state: --weight-decay is not what the training began with"
    run -2 mgen-train --resume --hidden 9 -o m.safetensors
    melodies 21 >other
    run -2 mgen-train --resume -o m.safetensors other
    assert_output --partial "not the data"
    run -3 mgen-train --resume -o none.safetensors
    assert_output "mgen-train: none.state: is not there: nothing to go on with"
    head -c 3000 m.state >cut && mv cut m.state
    run -1 mgen-train --resume -o m.safetensors
}

@test "what the training was told when to stop stays, unless it is told otherwise" {
    melodies 20 | mgen-train -q "${small[@]}" --max-steps 3 --no-provenance -o m.safetensors >/dev/null
    mgen-train -q --resume -o m.safetensors </dev/null >out
    [ "$(jq -s 'map(.step // empty) | length' out)" -eq 0 ]
    mgen-train -q --resume --max-steps 0 --epochs 3 -o m.safetensors </dev/null >out
    [ "$(jq -s 'map(.epoch // empty) | max' out)" -eq 3 ]
    run -0 mgen-info m.safetensors
    refute_output --partial '"provenance"'
    run -0 mgen-train --resume -o m.safetensors --help
    assert_output --partial "default: 3"
    run -2 mgen-train --resume --seed 2 -o m.safetensors
    run -2 mgen-train --resume --lr 0.002 -o m.safetensors
    mgen-train -q --resume --lr 0.001 -o m.safetensors </dev/null >out # what it began with
}

@test "records that come again and are others change nothing" {
    melodies 20 | mgen-train -q "${small[@]}" --max-steps 3 -o m.safetensors >/dev/null
    sha256sum m.* >before
    melodies 21 >other
    run -2 mgen-train --resume --max-steps 6 -o m.safetensors other
    assert_output --partial "not the data"
    run -2 mgen-train --resume --max-steps 6 -o m.safetensors - <other
    sha256sum -c --quiet before
    melodies 20 | mgen-train -q --resume --max-steps 6 -o m.safetensors - >out
    [ "$(jq -s 'map(.step // empty) | max' out)" -eq 6 ]
}

@test "a packed set is remembered, wherever it is gone on from" {
    mgen-prep -o set.safetensors "$MGEN_ROOT/share/tunes/carols.abc" >/dev/null
    mgen-train -q "${small[@]}" --max-steps 3 -o m.safetensors set.safetensors >/dev/null
    [ ! -e m.data ]
    mkdir below
    cd below
    mgen-train -q --resume --max-steps 6 -o ../m.safetensors </dev/null >out
    [ "$(jq -s 'map(.step // empty) | max' out)" -eq 6 ]
}

@test "a shard of a packed set is that part of it" {
    melodies 40 >records
    mgen-train -q "${small[@]}" --max-steps 1 -o m.safetensors records >/dev/null
    for part in 1 2; do
        mgen-train -q "${small[@]}" --max-steps 1 --shard $part/2 -o set-$part.safetensors m.data >/dev/null
        mgen-train -q "${small[@]}" --max-steps 1 --shard $part/2 -o record-$part.safetensors records >/dev/null
        cmp set-$part.data record-$part.data
    done
    run ! cmp -s set-1.data set-2.data
}

@test "data that cannot be used leave those that are there, and nothing where none are" {
    melodies 20 | mgen-train -q "${small[@]}" --max-steps 3 -o m.safetensors >/dev/null
    sha256sum m.* >before
    melodies 20 | sed 's/"kind":"piece"/&,"split":"test"/' >tests
    run -1 mgen-train --force -o m.safetensors tests
    assert_output --partial "nothing to train on"
    sha256sum -c --quiet before
    run -1 mgen-train -o n.safetensors tests
    [ -z "$(find . -name 'n.*' -o -name '.mgen-*')" ]
}

@test "a stop while the data are read is a stop" {
    mkfifo pipe
    (trap - INT; exec mgen-train -q -o m.safetensors pipe >out 2>err) &
    pid=$!
    exec 5>pipe
    melodies 3 >&5
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    exec 5>&-
    [ "$status" -eq 143 ]
    [ -z "$(find . -name 'm.*' -o -name '.mgen-*')" ]
}

@test "a schedule that ends, ends with the training, also when that goes on" {
    melodies 40 >records
    mgen-train -q "${small[@]}" --schedule cosine --max-steps 4 --report 1 -o m.safetensors records >out
    jq -se 'map(.lr // empty) | .[0] > .[-1]' out
    mgen-train -q --resume --max-steps 8 --report 1 -o m.safetensors >out
    jq -se 'map(.lr // empty) | .[0] > 0.0003 and .[0] > .[-1]' out
}

@test "the end inside an epoch is judged as well, and told once" {
    melodies 40 | mgen-train -q "${small[@]}" --valid 0.3 --max-steps 2 --report 1 -o m.safetensors >out
    jq -se 'map(select(.kind == "step")) | length == 2 and .[1].valid_loss > 0 and all(.epoch == 1)' out
    mgen-info m.safetensors | jq -se 'map(select(.kind == "info")) | .[0].metadata.mgen.step == 2'
}

differ() { ! cmp -s "$1" "$2"; }

@test "SIGUSR1 saves and goes on" {
    melodies 30 >records
    mgen-train -q "${small[@]}" --epochs 0 --patience 0 --save-seconds 1000 -o m.safetensors records >/dev/null &
    pid=$!
    await test -e m.safetensors
    sleep 0.2
    cp m.state first
    kill -USR1 $pid
    await differ first m.state
    kill -0 $pid
    kill -TERM $pid
    wait $pid || true
}

@test "two trainings do not share one output" {
    melodies 30 >records
    mgen-train -q "${small[@]}" --epochs 0 --patience 0 -o m.safetensors records >/dev/null &
    pid=$!
    await test -e m.safetensors
    run -3 mgen-train "${small[@]}" --force -o m.safetensors records
    assert_output --partial "another process"
    run -3 mgen-train --resume -o m.safetensors
    kill -KILL $pid
    wait $pid || true
    mgen-train -q --resume --max-steps 1 -o m.safetensors records >/dev/null # a lock of the dead is none
}

@test "a folder is searched for records and packed sets" {
    mkdir -p in/deep
    melodies 10 >in/deep/a.ndjson
    echo 'no record' >in/readme.txt
    cp "$MGEN_ROOT/share/tunes/carols.abc" in
    mgen-train -q "${small[@]}" --max-steps 2 -o in/m.safetensors in >out
    valid_records out
    mgen-train -q "${small[@]}" --max-steps 2 -o in/n.safetensors in >out # the model is no set
    cmp in/m.data in/n.data
    rm -r in/deep
    run -1 mgen-train -o o.safetensors in
    assert_output --partial "no records in this folder"
}

@test "records that cannot be trained on are told, and the others are taken" {
    (melodies 9; echo '{"kind":"piece","encoding":"melody38"}'; melodies 1 | sed 's/"tokens":\[/&99,/'; echo '{"kind":'
        echo '{"kind":"roll","frames":[60,62]}'; echo '{"kind":"piece","encoding":"melody38","tokens":"abc"}'
        melodies 1 | sed 's/"vocab_hash":"/&0/') >records
    run -1 --separate-stderr mgen-train "${small[@]}" --max-steps 2 -o m.safetensors records
    echo "$output" >out
    valid_records out
    jq -se 'map(select(.kind == "error")) | map(.where) == ["line 10", "line 11", "line 12", "line 13", "line 14", "line 15"] and all(.path == "records")' out
    grep -q '99 is no token of melody38' out
    [ -s m.safetensors ]
    mgen-train -q "${small[@]}" --allow-errors 6 --max-steps 2 -o n.safetensors records >/dev/null
    cmp m.data n.data
}

@test "an output that cannot be is refused before anything is read" {
    melodies 5 >records
    for output in "" - model; do run -2 mgen-train -o "$output" records; done
    mkdir m.safetensors
    run -3 mgen-train --force -o m.safetensors records
    assert_output --partial "m.safetensors: is a folder"
    run -3 mgen-train -o none/m.safetensors records
    assert_output "mgen-train: none/m.safetensors: No such file or directory"
    { run -3 mgen-train -o m.safetensors; cat; } < <(melodies 5) >left
    [ "$(wc -l <left)" -eq 5 ] # nobody has read it
    : >n.state
    run -3 mgen-train -o n.safetensors records
    assert_output --partial "n.state: exists already"
    melodies 5 >p.data
    run -3 mgen-train -o p.safetensors records
    assert_output --partial "p.data: exists already"
    mgen-train -q "${small[@]}" --max-steps 1 -o q.safetensors records >/dev/null
    cp q.data set.safetensors
    run -2 mgen-train --force -o set.safetensors set.safetensors
    assert_output --partial "is the input"
    cmp q.data set.safetensors
}

@test "inputs that cannot be trained on get a clear word" {
    run -1 mgen-train -o m.safetensors </dev/null
    assert_output --partial "no training records"
    (melodies 3; melodies 3 | sed s/melody38/melody130/) >two
    run -1 mgen-train -o m.safetensors two
    assert_output --partial "melody130"
    melodies 3 | sed s/melody38/morse/ >unknown
    run -1 mgen-train -o m.safetensors unknown
    assert_output --partial "'morse' is not known"
    melodies 3 | sed 's/"tokens":\[/&99,/' >outside
    run -1 mgen-train -o m.safetensors outside
    assert_output --partial "99 is no token of melody38"
    printf 'X:1\nT:x\nM:4/4\nL:1/4\nK:C\nCDEF|\n' >tune.abc
    run -1 mgen-train -o m.safetensors tune.abc
    assert_output --partial "holds no records"
    [ ! -e m.safetensors ]
}

@test "a few pieces are trained on with a warning" {
    melodies 2 >records
    run -0 --separate-stderr mgen-train "${small[@]}" --max-steps 2 -o m.safetensors records
    [[ $stderr == *"by heart"* ]]
}

@test "grids that differ are told" {
    { melodies 4; melodies 8 | tail -n 4 | jq -c '.resolution = 8'; } >both
    mgen-train --max-steps 2 -o m.safetensors both 2>err >/dev/null
    grep -q "other numbers of steps" err
    melodies 4 | mgen-train --force --max-steps 2 -o m.safetensors 2>err >/dev/null
    run ! grep -q "other numbers of steps" err
}

@test "a model that is there is not replaced unasked" {
    melodies 5 >records
    mgen-train -q "${small[@]}" --max-steps 1 -o m.safetensors records >/dev/null
    run -3 mgen-train "${small[@]}" --max-steps 1 -o m.safetensors records
    assert_output --partial "exists already"
}

@test "numbers that go bad end with 4 and leave a model" {
    melodies 20 >records
    run -4 mgen-train -q "${small[@]}" --optimizer sgd --lr 1000 --clip 0 --momentum 1 --weight-decay 1000 -o m.safetensors records
    assert_output --partial "is not finite"
    [ -s m.safetensors ] && [ -s m.state ]
}

@test "the options of the model that is named stand in the help" {
    run -0 mgen-train --model lstm --help
    assert_output --partial "lstm options:"
    assert_output --partial "--attention N"
    run -2 mgen-train --model lsmt -o m.safetensors
    assert_output --partial "did you mean 'lstm'"
}

@test "rolls are trained on as frames" {
    rolls 12 | sed 's/"frames":\[\[\([0-9]*\)/&,\1/' >records # a frame may name a key twice
    mgen-train -q --hidden 16 --batch 4 --epochs 2 -o m.safetensors records >out
    mgen-gen -m m.safetensors --steps 8 -o pieces >/dev/null
    jq -se 'map(.valid_loss // .train_loss // empty) | last < 88' out
}

@test "presets are records, and what each sets is what the help shows" {
    mgen-train --presets >out
    valid_records out
    [ "$(jq -r 'select(.kind == "preset") | .name' out | sort)" = "$(cd "$MGEN_ROOT/share/presets" && ls ./*.json | sed 's|^\./||; s|\.json$||' | sort)" ]
    mgen-prep --list | jq -r '.name // empty' >encodings
    for name in $(jq -r 'select(.kind == "preset") | .name' out); do
        mgen-train --preset "$name" --help-json >help
        jq -e --arg name "$name" -n 'input.options as $options | first(inputs | select(.name == $name)) |
            [.config, .optim, .data, .stop | values | to_entries[]] | length > 3 and all(. as $set |
                any($options[]; .name == ($set.key | gsub("_"; "-")) and .default == ($set.value | tostring)))' help out
        grep -qx "$(jq -r --arg name "$name" 'select(.name == $name) | .encoding' out)" encodings
    done
}

@test "a preset trains, any of its options can be another, and it goes on" {
    mgen-prep -q -e melody-key40 "$MGEN_ROOT/share/tunes/jigs.abc" >records
    small=(--preset melody-attention --hidden 8 --attention 3 --batch 8)
    mgen-train -q "${small[@]}" --max-steps 2 -o m.safetensors records >/dev/null
    mgen-info m.safetensors | jq -e 'select(.kind == "info") | .metadata.mgen.config |
        .input == "features" and .features == 74 and .hidden == 8 and .attention == 3 and .layers == 2 and .dropout == 0.5'
    mgen-train -q --resume "${small[@]}" --max-steps 3 -o m.safetensors >out
    [ "$(jq -s 'map(.step // empty) | max' out)" -eq 3 ]
    run -2 mgen-train --resume --preset melody-basic -o m.safetensors
    assert_output --partial "is not what the training began with"
    mgen-gen -m m.safetensors -n 2 --steps 20 -o pieces >out
    valid_records out
    run -2 mgen-train --preset melody-atention -o n.safetensors records
    assert_output --partial "did you mean 'melody-attention'?"
    melodies 5 >plain
    run -0 --separate-stderr mgen-train --preset jsb --hidden 8 --max-steps 1 -o n.safetensors plain
    [[ $stderr == *"the preset was made for roll88, which this is not"* ]]
    rm n.*
    run -2 mgen-train --preset melody-lookback -o n.safetensors plain
    assert_output --partial "features alone are no input where the data have none"
}

@test "a model of performances is told of what comes, or not" {
    mgen-prep -q -e performance388 "$MGEN_ROOT/share/tunes/carols.abc" >records
    small=(--preset performance-conditioned --hidden 8 --layers 1 --batch 8 --max-steps 2)
    mgen-train -q "${small[@]}" -o m.safetensors records >/dev/null
    scale=1,0,1,0,1,1,0,1,0,1,0,1
    for told in "" "--density 3" "--pitch-histogram $scale" "--density 30 --pitch-histogram $scale"; do
        # shellcheck disable=SC2086
        mgen-gen -m m.safetensors $told --steps 2000 --force -o pieces | jq -r 'select(.kind == "output").id' >>ids
    done
    [ "$(sort -u ids | wc -l)" -eq 4 ]
    mgen-train -q "${small[@]}" --pitch-histogram none --density given -o n.safetensors records >/dev/null
    run -2 mgen-gen -m n.safetensors -o pieces --force
    assert_output --partial "n.safetensors: it was trained with a density: say one with --density"
    mgen-gen -m n.safetensors --density 3 --steps 100 -o told >/dev/null
    mgen-info told/0001.mid | jq -se 'last.provenance.options.density == 3'
    run -2 mgen-gen -m n.safetensors --density 3 --pitch-histogram $scale -o pieces --force
    assert_output --partial "--pitch-histogram: it was not trained with one"
    for wrong in 1,2 "$scale,1" "${scale/1/-1}" x; do run -2 mgen-gen -m m.safetensors --pitch-histogram=$wrong -o p; done
    for wrong in -1 x nan; do run -2 mgen-gen -m m.safetensors --density=$wrong -o p; done
    run -2 mgen-train --density given -o o.safetensors <(melodies 5)
    assert_output --partial "are for performances"
}

@test "a record says whether its validation loss is the best so far, and the model is of that step" {
    melodies 30 | mgen-train -q "${small[@]}" --lr 0.1 --epochs 12 --patience 0 -o m.safetensors >out
    valid_records out
    best=$(jq -s 'map(select(.valid_loss)) | min_by(.valid_loss).step' out)
    [ "$(jq -s 'map(select(.best)) | last.step' out)" -eq "$best" ]
    jq -se 'map(select(.best == false)) | length > 0' out
    mgen-info m.safetensors | jq -se --argjson best "$best" 'map(select(.kind == "info")) | .[0].metadata.mgen.step == $best'
}

@test "a loss that stalls lowers the rate, and a rate that is low enough ends the training" {
    melodies 30 >records
    low=("${small[@]}" --schedule stall --factor 2.5 --wait 1 --final 0.05 --lr 0.3 --patience 0 --epochs 0)
    mgen-train -q "${low[@]}" -o whole.safetensors records >out
    jq -se 'map(.lr // empty) | unique | map(. * 1e6 | round) == [120000, 300000]' out
    mgen-train -q "${low[@]}" --max-steps 25 -o m.safetensors records >/dev/null
    mgen-train -q --resume --max-steps 0 -o m.safetensors >/dev/null
    cmp m.state whole.state
}

@test "an option that another one leaves without effect is refused, and both are named" {
    for pair in "--momentum 0.5:--optimizer adam" "--nesterov:--optimizer adamw" "--betas 0.5,0.9:--optimizer sgd" \
        "--betas 0.5,0.9:--optimizer rmsprop" "--alpha 0.9:--optimizer sgd" "--eps 0.1:--optimizer sgd" "--total 9:--schedule constant" \
        "--final 0.1:--schedule noam" "--warmup 9:--schedule constant" "--warmup 9:--schedule plateau" "--factor 2:--schedule cosine" \
        "--start 2:--schedule stall" "--window 2:--schedule linear" "--wait 2:--schedule plateau"; do
        # shellcheck disable=SC2086
        run -2 mgen-train ${pair%%:*} ${pair#*:} -o m.safetensors
        given=${pair%%:*}
        assert_output --partial "${given%% *} has no effect with ${pair#*:}"
    done
    run -2 mgen-train --warmup 9 -o m.safetensors
    assert_output --partial "--warmup has no effect with --schedule constant"
    melodies 9 >records
    mgen-train -q "${small[@]}" --optimizer sgd --momentum 0.9 --nesterov --schedule noam --warmup 9 --max-steps 1 -o m.safetensors records >/dev/null
    run -2 mgen-train "${small[@]}" --optimizer sgd --nesterov -o n.safetensors records
    assert_output --partial "nesterov needs a momentum"
}

@test "a state that is carried ends with the same bytes at any number of threads, and resumed" {
    melodies 30 >records
    carried=("${small[@]}" --carry --length 8 --dropout 0.2)
    for j in 1 2 7; do mgen-train -q -j $j "${carried[@]}" --max-steps 9 --force -o m.safetensors records >/dev/null && cp m.state $j.state; done
    cmp 1.state 2.state
    cmp 1.state 7.state
    mgen-train -q "${carried[@]}" --max-steps 5 --force -o m.safetensors records >/dev/null
    mgen-train -q --resume --max-steps 9 -o m.safetensors >/dev/null
    cmp 1.state m.state
    mgen-train -q "${small[@]}" --length 8 --dropout 0.2 --max-steps 9 --force -o n.safetensors records >/dev/null
    run ! cmp -s m.safetensors n.safetensors
}

@test "events for TensorBoard come in a file for each run" {
    melodies 20 | mgen-train -q "${small[@]}" --epochs 2 --tfevents events -o m.safetensors >out
    mgen-train -q --resume --epochs 4 --tfevents events -o m.safetensors >>out
    [ "$(find events -name 'events.out.tfevents.*' | wc -l)" -eq 2 ]
    # an event for each record, under the names that records have
    [ "$(cat events/* | grep -ao 'grad_norm' | wc -l)" -eq "$(jq -s 'map(select(.kind == "step")) | length' out)" ]
    [ "$(cat events/* | grep -ao 'valid_loss' | wc -l)" -eq 4 ]
    run -3 mgen-train -q "${small[@]}" --tfevents /proc/none --force -o m.safetensors <(melodies 3)
    assert_output --partial "/proc/none"
}

@test "TensorBoard reads the events" {
    python3 -c 'import tensorboard' 2>/dev/null || skip "TensorBoard is not there"
    melodies 20 | mgen-train -q "${small[@]}" --epochs 2 --tfevents events -o m.safetensors >out
    python3 - >values <<'PYTHON'
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator("events").Reload()
print([(e.step, round(e.value, 4)) for e in events.Scalars("valid_loss")])
PYTHON
    [ "$(cat values)" = "$(jq -sr 'map(select(.valid_loss)) | map("(\(.step), \(.valid_loss * 1e4 | round / 1e4))") | "[" + join(", ") + "]"' out)" ]
}

@test "a training sums up what it did" {
    melodies 20 >records
    run -0 --separate-stderr mgen-train "${small[@]}" --epochs 2 --report 1 -o m.safetensors records
    [[ $stderr == *"best validation loss "*" after step "*", in epoch "* ]]
    [[ $stderr == *" tokens a second; the products took "*" % of the "*" GFLOP/s that "* ]]
    [[ $stderr == *"wrote m.safetensors, m.state, m.data"* ]]
    echo "$output" | jq -se 'map(select(.kind == "step")) | all(.peak_share > 0 and .tokens_per_s > 0)'
}

@test "the losses are drawn, on a terminal at its end and as a picture" {
    melodies 20 >records
    mgen-train -q "${small[@]}" --epochs 3 --curve c.svg -o m.safetensors records >out
    grep -q 'class="curve s0"' c.svg
    grep -q 'class="curve s1"' c.svg
    jq -c 'select(.kind == "step")' out >steps # the picture that mgen-info draws of the records
    mgen-info --curve loss,valid_loss -o d.svg steps
    cmp <(grep 'class="curve' c.svg) <(grep 'class="curve' d.svg)
    run -3 mgen-train "${small[@]}" --epochs 3 --curve c.svg -o n.safetensors records
    assert_output --partial "c.svg"
    [ ! -e n.safetensors ]
    mgen-train -q --resume --epochs 4 --curve c.svg -o m.safetensors >/dev/null
    run ! cmp -s c.svg d.svg
    run ! mgen-train -q --resume --curve e.svg -o m.safetensors # there is no step to draw
    [ ! -e e.svg ]
    NO_COLOR=1 LC_ALL=C script -qec "mgen-train ${small[*]} --epochs 3 -o t.safetensors records >/dev/null" /dev/null </dev/null | tr -d '\r' >shown
    grep -q 'valid_loss' shown
    grep -q '\*' shown
}
