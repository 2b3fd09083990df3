# SPDX-License-Identifier: MIT
# What the demo came to, beside what it should come to: a record each, with the verdict ok or WORSE.
#   jq -nc -f demo.jq steps.ndjson comparison.ndjson copies.ndjson

# Recorded 27 November 2026: 0.807 (AVX-512), 0.810 (AVX2), 0.814 (baseline). Processors round differently, and training
# carries that far; hence the rest of the range.
def most_loss: 0.83;
def most_copies: 0;
# Two means differ where the interval of their distance leaves out 0 and p, corrected, is below that: mgen-eval(1).
def least_p: 0.05;

def short: . * 1000 | round / 1000;
def result($name; $value; $expected; $is_good):
  {kind: "result", result: $name, value: $value, expected: $expected, verdict: (if $is_good then "ok" else "WORSE" end)};

def loss: map(.valid_loss // empty) | min
  | result("best validation loss"; if . then short else "none" end; "at most \(most_loss)"; . != null and . <= most_loss);

def metric($name): if .ci95 == null
  then result($name; "none"; "one to compare"; false)
  else result($name; "\(.a | short), p \(.p_holm | short)"; "\(.b | short), p at least \(least_p)";
    .p_holm >= least_p or (.ci95[0] <= 0 and .ci95[1] >= 0)) end;

def metrics: map(select(.kind == "comparison"))[] | .metrics | to_entries[] | .key as $name | .value | metric($name);

def copies: map(select(.kind == "match").a) | unique | length
  | result("copies of the corpus"; .; "at most \(most_copies)"; . <= most_copies);

[inputs] | loss, metrics, copies
