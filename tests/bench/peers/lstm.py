# SPDX-License-Identifier: MIT
"""lstm.py train PRESET THREADS [--compile] [--amp bf16], lstm.py generate PRESET THREADS STREAMS [--compile|--int8]: what
tests/bench/lstm.c does, in PyTorch.

train: milliseconds of a step (forward, backward, clip, fused Adam) by nn.LSTM, under autocast with --amp; generate: tokens a
second of all streams, a step being hand-written products with the lookup of a row instead of a one-hot product, or their
dynamically quantised layers."""
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
import torch._inductor.config
import torch.nn.functional as F

PRESETS = {"melody": (38, 128, 2, 64, 128, 3.0), "performance": (388, 512, 3, 64, 256, 3.0),
           "jsb": (88, 400, 1, 1, 60, 0.4)}
torch.set_num_threads(int(sys.argv[3]))
torch.set_flush_denormal(True)
torch.manual_seed(1)
classes, hidden, layers, batch, length, clip = PRESETS[sys.argv[2]]
is_roll = sys.argv[2] == "jsb"
limit = 3


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

    def loss(*args):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled="bf16" in sys.argv):
            return net(*args)

    if "--compile" in sys.argv:
        loss = torch.compile(loss, dynamic=False)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss(x, y).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimiser.step()

    step(), step()
    times = []
    while len(times) < 5 or (sum(times) < limit and len(times) < 50):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3, "ms"


class Step(torch.nn.Module):
    """One token of every stream on."""

    def __init__(self):
        super().__init__()
        self.rows = torch.nn.Embedding(classes, 4 * hidden)
        self.gates = torch.nn.ModuleList(torch.nn.Linear(hidden if layer == 0 else 2 * hidden, 4 * hidden)
                                         for layer in range(layers))
        self.out = torch.nn.Linear(hidden, classes)

    def forward(self, token, h, c):
        for layer, linear in enumerate(self.gates):
            x = h[0] if layer == 0 else torch.cat((h[layer - 1], h[layer]), 1)
            gates = linear(x) + self.rows(token) if layer == 0 else linear(x)
            i, f, g, o = gates.chunk(4, 1)
            c[layer] = torch.sigmoid(f) * c[layer] + torch.sigmoid(i) * torch.tanh(g)
            h[layer] = torch.sigmoid(o) * torch.tanh(c[layer])
        return torch.multinomial(torch.softmax(self.out(h[-1]), 1), 1)[:, 0], h, c


@torch.no_grad()
def generate(streams, way, steps=400):
    net = Step()
    if way == "--int8":
        net = torch.ao.quantization.quantize_dynamic(net, {torch.nn.Linear}, dtype=torch.qint8)
    if way == "--compile":
        torch._inductor.config.freezing = torch._inductor.config.cpp_wrapper = True  # packed weights, no Python between
        net = torch.compile(net.eval())

    def piece():
        token = torch.zeros(streams, dtype=torch.long)
        h, c = [torch.zeros(streams, hidden) for _ in range(layers)], [torch.zeros(streams, hidden) for _ in range(layers)]
        for _ in range(steps):
            token, h, c = net(token, h, c)

    piece()
    return streams * steps / min(timed(piece) for _ in range(3)), "tokens/s"


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


way = sys.argv[5] if len(sys.argv) > 5 else ""
value, unit = train() if sys.argv[1] == "train" else generate(int(sys.argv[4]), way)
print(json.dumps({"kind": "bench", "name": "lstm." + sys.argv[2], "value": value, "unit": unit,
                  "peer": "torch " + torch.__version__}))
