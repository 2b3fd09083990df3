# SPDX-License-Identifier: MIT
"""prep.py LIST: mido reading the files of a list, names ended by NUL, in two processes."""
import multiprocessing
import sys

import mido


def read(path):
    try:
        mido.MidiFile(path, clip=True)
    except Exception:
        return 0
    return 1


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as names:
        paths = [name.decode() for name in names.read().split(b"\0") if name]
    with multiprocessing.Pool(2) as pool:
        if not sum(pool.imap_unordered(read, paths, chunksize=8)):
            sys.exit("mido read nothing")
