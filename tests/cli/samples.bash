# SPDX-License-Identifier: MIT
# For every tool one plain use on the folder corpus/ of the scratch folder, further options in "$@". The contract is held
# to over these; a tool without a sample fails it.

# A few files that every tool can make something of.
make_corpus() {
    mkdir -p corpus
    cp "$TUNES"/*.abc corpus/
    for f in plain running open zero; do cp "$MGEN_ROOT/tests/fuzz/corpus/midi/$f" "corpus/$f.mid"; done
    cp corpus/zero.mid corpus/zero-again.mid # something for mgen-dedup to find
}

# A model that took no time, for tools that need one.
make_model() {
    [ -e model.safetensors ] ||
        mgen-prep -q corpus | mgen-train -q --model lstm --hidden 8 --layers 1 --max-steps 2 -o model.safetensors >/dev/null
}

sample_mgen-prep() { mgen-prep "$@" corpus; }
sample_mgen-info() { mgen-info --each "$@" corpus; }
sample_mgen-eval() { mgen-eval "$@" corpus; }
sample_mgen-dedup() { mgen-dedup "$@" corpus; }
sample_mgen-split() { mgen-split "$@" corpus; }
sample_mgen-render() { mgen-render --synth built-in --rate 8000 --max-seconds 1 --force -o wav "$@" corpus; }
sample_mgen-train() {
    mgen-prep -q corpus | mgen-train --model lstm --hidden 8 --layers 1 --max-steps 2 --force -o m.safetensors "$@"
}
sample_mgen-gen() { make_model && mgen-gen -m model.safetensors -n 2 --steps 16 --force -o pieces "$@"; }

# Tools whose arguments are not music: they are left out of the tests about inputs.
takes_music() { case $1 in mgen-train | mgen-gen) return 1 ;; esac; }
