# SPDX-License-Identifier: MIT
# Writes docs/METRICS.md from what mgen-eval --list prints:
#   mgen-eval --list --no-provenance | jq -nrf docs/metrics.jq > docs/METRICS.md
def limit: if . == null then "open" else tostring end;
def range: if .range == [] then "" else "\(.range[0] | limit) to \(.range[1] | limit)" end;
def sentence: (.[0:1] | ascii_upcase) + .[1:] + ".";
def entry:
  "### \(.name)\n",
  ("Unit " + (if .unit == "" then "none" else .unit end) + (if .range == [] then "" else ", range \(range)" end)
   + (if .value == "list" then ", a list" else "" end)
   + (if .meanings == ["compat"] then "; compat only" else "" end) + ".\n"),
  (.definition | sentence),
  (if .compat then "With `--meaning compat`: \(.compat)." else empty end),
  "Source: \(.source).\n";
"# Metrics\n",
"What `mgen-eval` measures of a piece of music. This page is made from the table that `mgen-eval --list` prints; a test",
"compares them. Drums are channel 10. A metric without a value is null, and `null_reasons` says why. Where a metric has",
"two meanings, `strict` (the default) is the first sentence, and `--meaning compat` gives MusPy's own numbers to the last",
"digit: what MusPy 0.5 reads as an unclosed note's end is the end of its track, as here by default.\n",
"A comparison (`--against`) gives for each metric the means `a` and `b` of the set and of the reference; `distance`, the",
"difference in means in units of the reference's standard deviation (Glass's delta); `ci95`, its 95 % percentile bootstrap",
"interval with whole pieces of both sets resampled; `p`, a two-sided permutation test of equal means; `p_holm`, corrected",
"over all metrics compared (Holm 1979); `wasserstein`, the Wasserstein-1 distance of the two distributions in the same",
"unit as `distance`, which also sees differences in spread and shape; medians, standard deviations (n - 1), and how many",
"pieces had no value.\n",
(inputs | entry)
