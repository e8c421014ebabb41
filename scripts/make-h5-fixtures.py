#!/usr/bin/env python3
"""Makes test/fixtures/*.h5: weight files as only Python writes them, of the project's own weights.

usage: make-h5-fixtures.py NWNN_Conv_own.h5 test/fixtures     (a file that `wnn export` wrote of initParameters(spec, 7))
  keras3.weights.h5   what Keras 3 saves after loading the file
  half.h5             the same weights as big-endian half floats, chunked and compressed, in the newest layout of HDF5
Needs: pip install tensorflow-cpu h5py.
"""
import pathlib
import sys

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from wnn_keras import build_wnn

source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

model = build_wnn()
model.load_weights(source)
model.save_weights(target / "keras3.weights.h5")

with h5py.File(source) as own, h5py.File(target / "half.h5", "w", libver="latest") as half:
    half.attrs["backend"], half.attrs["keras_version"] = "tensorflow", "2.9.0"
    names = [name.decode() for name in own.attrs["layer_names"]]
    half.attrs["layer_names"] = names
    for name in names:
        group = half.create_group(name)
        weights = [weight.decode() for weight in own[name].attrs["weight_names"]]
        group.attrs["weight_names"] = weights
        for weight in weights:
            data = own[name][weight][()]
            group.create_dataset(weight, data=data.astype(">f2"), chunks=tuple(min(n, 40) for n in data.shape),
                                 compression="gzip", shuffle=True, fletcher32=True)
