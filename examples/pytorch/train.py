"""Leaves a checkpoint an epoch. Run: python train.py && npx wnn collect import checkpoints --store data/pytorch"""

import os
import sys

import torch

directory = sys.argv[1] if len(sys.argv) > 1 else "checkpoints"
os.makedirs(directory, exist_ok=True)
torch.manual_seed(1)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
x = torch.rand(128, 8)
y = x.square().sum(1, keepdim=True)
for epoch in range(12):
    loss = torch.nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    torch.save(model.state_dict(), f"{directory}/epoch-{epoch}.pt")
