"""A path of weights that noisy gradient steps make, and the averages of it as their papers write them, in float64."""

import numpy as np

STEPS_PER_EPOCH, EPOCHS = 4, 8


def averages_of(path):
    """By the options of each average, its value after all of `path`: weights after each step; None while there is none."""
    path = np.asarray(path, np.float64)
    ends = path[STEPS_PER_EPOCH - 1 :: STEPS_PER_EPOCH]
    moment = np.zeros_like(path[0])
    for weights in path:
        moment = 0.8 * moment + 0.2 * weights
    return [
        ({"average": "ema", "decay": 0.8}, moment / (1 - 0.8 ** len(path))),
        ({"average": "lawa", "k": 3}, ends[-3:].mean(axis=0) if len(ends) else None),
        # 0.6 of 8 epochs: from the end of epoch 4 (from 0) on.
        ({"average": "swa", "start": 0.6, "epochs": EPOCHS}, ends[4:].mean(axis=0) if len(ends) > 4 else None),
    ]
