# SPDX-License-Identifier: MIT
"""midi_read.py SECONDS FILE...: symusic 0.6 from bytes in memory to a Score, as midi_read.c does it."""
import json
import sys
import time

import symusic

files = [open(path, "rb").read() for path in sys.argv[2:]]
limit, done, start = float(sys.argv[1]), 0, time.perf_counter()
while True:
    for data in files:
        symusic.Score.from_midi(data)
        done += len(data)
    passed = time.perf_counter() - start
    if passed >= limit:
        break
print(json.dumps({"kind": "bench", "name": "midi_read", "value": done / passed / 1e6, "unit": "MB/s",
                  "peer": "symusic " + symusic.__version__ if hasattr(symusic, "__version__") else "symusic"}))
