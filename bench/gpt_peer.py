#!/usr/bin/env python3
"""The transformer of text/gpt (64 characters, 64 units, 4 blocks, 4 heads, tied output) trained by PyTorch on one thread.

Prints sequences a second of processor time, the best of the rounds. Needs `pip install torch`. bench/zoo.bench.ts runs it.
"""
import argparse
import time

import torch
import torch.nn.functional as F
from torch import nn

SYMBOLS, STEPS, UNITS, DEPTH, HEADS = 75, 64, 64, 4, 4


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(UNITS), nn.LayerNorm(UNITS)
        self.qkv, self.out = nn.Linear(UNITS, 3 * UNITS), nn.Linear(UNITS, UNITS)
        self.dense1, self.dense2 = nn.Linear(UNITS, 4 * UNITS), nn.Linear(4 * UNITS, UNITS)

    def forward(self, x):
        batch = x.shape[0]
        q, k, v = (
            part.reshape(batch, STEPS, HEADS, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).split(UNITS, -1)
        )
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, STEPS, UNITS))
        return x + self.dense2(F.gelu(self.dense1(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.positions = nn.Embedding(SYMBOLS, UNITS), nn.Parameter(0.02 * torch.randn(STEPS, UNITS))
        nn.init.normal_(self.table.weight, std=0.02)
        self.blocks, self.norm = nn.Sequential(*(Block() for _ in range(DEPTH))), nn.LayerNorm(UNITS)

    def forward(self, codes):
        return self.norm(self.blocks(self.table(codes) + self.positions)) @ self.table.weight.T


parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--steps", type=int, default=12)
parser.add_argument("--batch", type=int, default=32)
options = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(1)
model = Gpt()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
codes = torch.randint(SYMBOLS, (options.batch, STEPS + 1))
best = 0.0
for _ in range(options.rounds + 1):
    begin = time.process_time()
    for _ in range(options.steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(codes[:, :-1]).reshape(-1, SYMBOLS), codes[:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()
    best = max(best, options.steps * options.batch / (time.process_time() - begin))
print(best)
