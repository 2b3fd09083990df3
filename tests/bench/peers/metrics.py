# SPDX-License-Identifier: MIT
"""metrics.py SECONDS FILE...: MusPy's 14 metrics of MIDI files, reading included, as metrics.c does it."""
import json
import sys
import time
import warnings

import muspy

warnings.simplefilter("ignore")


def measure(path):
    music = muspy.read_midi(path)
    bar = 4 * music.resolution
    muspy.n_pitches_used(music)
    muspy.n_pitch_classes_used(music)
    muspy.pitch_range(music)
    muspy.empty_beat_rate(music)
    muspy.empty_measure_rate(music, bar)
    muspy.polyphony(music)
    muspy.polyphony_rate(music)
    muspy.pitch_in_scale_rate(music, 0, "major")
    muspy.scale_consistency(music)
    muspy.drum_in_pattern_rate(music, "duple")
    muspy.drum_pattern_consistency(music)
    muspy.pitch_entropy(music)
    muspy.pitch_class_entropy(music)
    muspy.groove_consistency(music, bar)


limit, done, start = float(sys.argv[1]), 0, time.perf_counter()
while True:
    for name in sys.argv[2:]:
        measure(name)
        done += 1
    passed = time.perf_counter() - start
    if passed >= limit:
        break
print(json.dumps({"kind": "bench", "name": "metrics", "value": done / passed, "unit": "files/s",
                  "peer": "MusPy " + muspy.__version__}))
