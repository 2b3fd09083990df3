# SPDX-License-Identifier: MIT
"""lstm.py train|generate PRESET THREADS [SECONDS]: what tests/bench/lstm.c does, in PyTorch.

train: milliseconds of a step (forward, backward, clip, fused Adam) by nn.LSTM; generate: tokens a second of one stream, a
step being hand-written products with the lookup of a row instead of a one-hot product."""
import json
import os
import statistics
import sys
import time

# As in C programs that run long: memory is kept, not handed back to the system between steps.
if "MALLOC_TRIM_THRESHOLD_" not in os.environ:
    os.environ.update(MALLOC_TRIM_THRESHOLD_=str(16 << 30), MALLOC_MMAP_THRESHOLD_=str(4 << 30),
                      MALLOC_TOP_PAD_=str(256 << 20), OMP_NUM_THREADS=sys.argv[3])
    os.execv(sys.executable, [sys.executable] + sys.argv)

import torch
import torch.nn.functional as F

PRESETS = {"melody": (38, 128, 2, 64, 128, 3.0), "performance": (388, 512, 3, 64, 256, 3.0),
           "jsb": (88, 400, 1, 1, 64, 0.4)}
torch.set_num_threads(int(sys.argv[3]))
torch.set_flush_denormal(True)
torch.manual_seed(1)
classes, hidden, layers, batch, length, clip = PRESETS[sys.argv[2]]
is_roll = sys.argv[2] == "jsb"
limit = float(sys.argv[4]) if len(sys.argv) > 4 else 3


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(classes, hidden, layers)
        self.out = torch.nn.Linear(hidden, classes)
        self.register_buffer("eye", torch.eye(classes), persistent=False)

    def forward(self, x, y):
        out = self.out(self.rnn(x if is_roll else F.embedding(x, self.eye))[0])
        if is_roll:
            return F.binary_cross_entropy_with_logits(out, y, reduction="sum") / (out.shape[0] * out.shape[1])
        return F.cross_entropy(out.flatten(0, 1), y.flatten())


def train():
    net = Net()
    optimiser = torch.optim.Adam(net.parameters(), fused=True)
    if is_roll:
        x = y = (torch.rand(length, batch, classes) < 0.045).float()
    else:
        x, y = torch.randint(0, classes, (length, batch)), torch.randint(0, classes, (length, batch))

    def step():
        optimiser.zero_grad(set_to_none=True)
        net(x, y).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimiser.step()

    step(), step()
    times = []
    while len(times) < 5 or (sum(times) < limit and len(times) < 50):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3, "ms"


@torch.no_grad()
def generate(steps=400):
    rows = torch.randn(classes, 4 * hidden) * 0.05
    weights = [(torch.randn(4 * hidden, hidden if layer == 0 else 2 * hidden) * 0.05, torch.zeros(4 * hidden))
               for layer in range(layers)]
    out, bias = torch.randn(classes, hidden) * 0.05, torch.zeros(classes)

    def piece():
        token = torch.zeros(1, dtype=torch.long)
        h, c = [torch.zeros(1, hidden) for _ in weights], [torch.zeros(1, hidden) for _ in weights]
        for _ in range(steps):
            for layer, (w, b) in enumerate(weights):
                x = h[0] if layer == 0 else torch.cat((h[layer - 1], h[layer]), 1)
                gates = F.linear(x, w, b) + (rows[token] if layer == 0 else 0)
                i, f, g, o = gates.chunk(4, 1)
                c[layer] = torch.sigmoid(f) * c[layer] + torch.sigmoid(i) * torch.tanh(g)
                h[layer] = torch.sigmoid(o) * torch.tanh(c[layer])
            token = torch.multinomial(torch.softmax(F.linear(h[-1], out, bias), 1), 1)[0]

    piece()
    best = min(timed(piece) for _ in range(3))
    return steps / best, "tokens/s"


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


value, unit = train() if sys.argv[1] == "train" else generate()
print(json.dumps({"kind": "bench", "name": "lstm." + sys.argv[2], "value": value, "unit": unit,
                  "peer": "torch " + torch.__version__}))
