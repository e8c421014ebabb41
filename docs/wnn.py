"""A weight nowcaster in PyTorch: `load("NWNN_Conv_mine.safetensors")` gives a module from normalized windows to answers.

    range = w.max(1) - w.min(1) + 1e-8 + 1e-5;  x = (w - w[:, :1]) / range / 2     (w: [batch, 5] raw values, oldest first)
    forecast = (x[:, -1:] + model(x)) * range * 2 + w[:, :1]
"""
import json

import torch
from safetensors import safe_open
from torch import nn


class Stream(nn.Module):
    def __init__(self, length):
        super().__init__()
        self.layers = nn.ModuleDict({"in": nn.Linear(length, 64), "code": nn.Linear(64, 8), "out": nn.Linear(64, 32)})
        self.layers.update({name: nn.Linear(8, 64) for name in ("exp", "mul", "add")})

    def forward(self, x):
        features = self.layers["in"](x)
        code = torch.relu(self.layers["code"](features))
        exp, mul, add = (self.layers[name](code) for name in ("exp", "mul", "add"))
        return nn.functional.leaky_relu(self.layers["out"](mul * torch.exp(exp * features) + add), 0.3)


class Wnn(nn.Module):
    def __init__(self, length=5, horizons=1):
        super().__init__()
        self.values, self.differences = Stream(length), Stream(length - 1)
        self.head = nn.Linear(64, horizons)

    def forward(self, x):
        return torch.tanh(self.head(torch.cat([self.values(x), self.differences(x.diff(dim=1))], dim=1)))


def load(path):
    with safe_open(path, "pt") as file:
        spec = json.loads(file.metadata()["spec"])
        assert (spec["streams"], spec["activation"]) == ("both", "network"), "a variant that this module does not have"
        model = Wnn(spec["inputLength"], len(spec["horizons"]))
        state = {}
        for key in file.keys():  # `values_in/kernel` [in, out] -> `values.layers.in.weight` [out, in]
            layer, part = key.replace("values_", "values.layers.").replace("differences_", "differences.layers.").split("/")
            state[f"{layer}.{'weight' if part == 'kernel' else 'bias'}"] = file.get_tensor(key).t()
    model.load_state_dict(state)
    return model
