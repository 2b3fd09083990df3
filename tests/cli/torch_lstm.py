# SPDX-License-Identifier: MIT
"""torch_lstm.py MODEL RECORDS CHANGED: an LSTM of mgen-train in PyTorch, and back.

Says the nats of each piece of melody38 records, trains on them a little, writes the changed model, and says them again."""
import json
import sys

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file


class Net(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.vocab = width = config["vocab"]
        if config["input"] == "embedding":
            width = config["embedding"]
            self.embedding = torch.nn.Embedding(self.vocab, width)
        self.lstm = torch.nn.LSTM(width, config["hidden"], config["layers"], batch_first=True)
        self.output = torch.nn.Linear(config["hidden"], self.vocab)

    def nats(self, piece):
        """Each token from those before it, the first from token 0, as mgen/nn.h has it."""
        tokens = torch.tensor([0] + piece)
        x = self.embedding(tokens) if hasattr(self, "embedding") else F.one_hot(tokens, self.vocab).float()
        return F.cross_entropy(self.output(self.lstm(x[None, :-1])[0])[0], tokens[1:], reduction="sum")


torch.set_num_threads(1)
model, records, changed = sys.argv[1:]
with safe_open(model, "pt") as file:
    about = json.loads(file.metadata()["mgen"])
with open(records) as lines:
    pieces = [record["tokens"] for record in map(json.loads, lines) if record["kind"] == "piece"]
net = Net(about["config"])
net.load_state_dict(load_file(model))
before = [net.nats(piece).item() for piece in pieces]

optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
for piece in pieces:
    optimiser.zero_grad()
    (net.nats(piece) / len(piece)).backward()
    optimiser.step()

del about["provenance"]
save_file(net.state_dict(), changed, {"mgen": json.dumps(about)})
print(json.dumps({"before": before, "after": [net.nats(piece).item() for piece in pieces]}))
