"""Checkpoints as trainings leave them, by Keras, PyTorch and NumPy: two of each, and what an import of them holds.

Used by make-import-fixtures.py. Each case writes into its folder what is imported; `case(...)` records the values of both
epochs by the names that the importer gives, float32, PyTorch's kernels in Keras's layout.
"""
import json
import os
import zipfile

import h5py
import keras
import ml_dtypes
import numpy as np
import torch
from safetensors.torch import save_file

from importlib import import_module

nn = torch.nn


def to_keras(array):
    array = np.asarray(array)
    return array.transpose(*range(2, array.ndim), 1, 0) if array.ndim >= 2 else array


def numbers(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype("f4"))


def kernels(state):
    """Values of a state dict of kernels, offsets and normalizations."""
    return {name: to_keras(value.float().numpy()) for name, value in state.items() if value.is_floating_point()}


class Cases:
    def __init__(self, folder, encode):
        self.folder, self.encode, self.expected = folder, encode, {}

    def path(self, case, name):
        path = self.folder / case / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def expect(self, case, epochs, kinds=None, left_out=None, notes=(), **options):
        self.expected[case] = {
            "epochs": [{name: self.encode(value) for name, value in epoch.items()} for epoch in epochs],
            "kinds": kinds or {}, "leftOut": left_out or {}, "notes": list(notes), "options": options,
        }

    def finish(self):
        (self.folder / "expected.json").write_text(json.dumps(self.expected))


def net(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


NET_KINDS = {"0.weight": "conv", "0.bias": "bias", "1.weight": "norm", "1.bias": "norm", "1.running_mean": "statistics",
             "1.running_var": "statistics", "3.weight": "fc", "3.bias": "bias"}


class Opaque:
    """A class that no reader has: settings of a job."""
    def __init__(self):
        self.paths = ["a", ("b", 1)]


def torch_cases(cases):
    def both(case, make, ending="pt", **expect):
        epochs = []
        for epoch in range(2):
            saved, values = make(epoch)
            torch.save(saved, cases.path(case, f"epoch_{epoch}.{ending}"), **expect.get("save", {}))
            epochs.append(values)
        expect.pop("save", None)
        cases.expect(case, epochs, **expect)

    def types(epoch):
        w = numbers(epoch, 3, 2)
        ints = {f"int.{t}": torch.ones(2, dtype=getattr(torch, t)) for t in
                ["int64", "int32", "int16", "int8", "uint8", "bool", "uint16", "uint32", "uint64"]}
        odd = {"fp8": w.to(torch.float8_e4m3fn), "fp8b": w.to(torch.float8_e5m2), "complex": torch.complex(w, w),
               "quantized": torch.quantize_per_tensor(w, 0.1, 0, torch.qint8), "sparse": torch.eye(2).to_sparse()}
        floats = {"double.weight": w.double() / 3, "single.weight": w, "half.weight": w.half(), "bf.weight": w.bfloat16()}
        return {**ints, **odd, **floats}, {name: to_keras(value.float().numpy()) for name, value in floats.items()}
    both("torch-types", types, left_out={"notFloat": 9, "unreadable": [
        "fp8 (float8_e4m3fn)", "fp8b (float8_e5m2)", "complex (ComplexFloat)", "quantized (quantized tensor)",
        "sparse (sparse_tensor)"]}, notes=["fp8 \\(float8_e4m3fn\\)"])

    def views(epoch):
        base = numbers(epoch, 4, 6)
        shared = base[1:3]
        values = {"rows.weight": shared, "columns.weight": base[:, 2:4], "turned.weight": base.t(), "steps.weight": base[::2, ::3],
                  "expanded.weight": base[:1].expand(3, 6), "tied.weight": shared, "one.bias": base[2, 1:2],
                  "scalar": base[0, 0], "empty.weight": base[:0], "deep.weight": base.reshape(2, 2, 3, 2).permute(3, 0, 2, 1)}
        plain = {"scalar"}
        return values, {name: value.numpy() if name in plain else to_keras(value.numpy()) for name, value in values.items()}
    both("torch-views", views)

    def tutorial(epoch):
        model = net(epoch)
        optimizer = torch.optim.Adam(model.parameters())
        model(numbers(epoch, 2, 1, 4, 4)).sum().backward()
        optimizer.step()
        saved = {"epoch": epoch, "model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
                 "loss": torch.tensor(0.5), "scheduler": {"last_lr": [1e-3]}, "opaque": Opaque()}
        return saved, kernels(model.state_dict())
    both("torch-tutorial", tutorial, kinds=NET_KINDS, left_out={"optimizer": 18, "elsewhere": 1, "notFloat": 1},
         notes=["took the tensors of model_state_dict"])

    def lightning(epoch):
        model = net(epoch)
        state = {f"model.{name}": value for name, value in model.state_dict().items()}
        saved = {"epoch": epoch, "global_step": 100 * (epoch + 1), "pytorch-lightning_version": "2.4.0", "state_dict": state,
                 "loops": {"fit_loop": {"state": numbers(epoch, 40)}}, "callbacks": {"ModelCheckpoint": {"best": torch.tensor(0.2)}},
                 "optimizer_states": [{"state": {0: {"exp_avg": numbers(epoch, 99)}}, "param_groups": [{"lr": 1e-3}]}],
                 "lr_schedulers": [], "hparams_name": "kwargs", "hyper_parameters": {"opaque": Opaque()}}
        return saved, kernels(model.state_dict())
    both("torch-lightning", lightning, ending="ckpt", kinds=NET_KINDS, notes=["took the tensors of state_dict"])

    def ema(epoch):
        model = net(epoch)
        average = {name: value * 0.5 for name, value in model.state_dict().items()}
        return {"ema": average, "model": model.state_dict(), "steps": numbers(epoch, 3)}, kernels(model.state_dict())
    both("torch-ema", ema, kinds=NET_KINDS, notes=["took the tensors of model, not of the top, ema; --key chooses"])

    def ema_chosen(epoch):
        saved, _ = ema(epoch)
        return saved, kernels(saved["ema"])
    both("torch-key", ema_chosen, key="ema")

    def only_ema(epoch):
        saved, _ = ema(epoch)
        return {"ema": saved["ema"]}, kernels(saved["ema"])
    both("torch-only-ema", only_ema)

    def others(epoch):
        saved, values = tutorial(epoch)
        return {**saved, "rng": {"numpy": np.random.default_rng(0).normal(size=3)}, "norms": np.ones(2)}, values
    both("torch-numpy", others, left_out={"elsewhere": 3},
         notes=["took the tensors of model_state_dict, not of the top, rng; --key chooses"])

    def arrays(epoch):
        w = numbers(epoch, 3, 2).numpy()
        floats = {"single.weight": w, "fortran.weight": np.asfortranarray(w), "double.weight": w.astype(">f8") / 3,
                  "half.weight": w.astype("f2"), "bf.weight": w.astype(ml_dtypes.bfloat16), "one.bias": w[0]}
        rest = {"count": np.arange(3), "fp8": w.astype(ml_dtypes.float8_e4m3fn), "objects": np.array([None]),
                "complex": w.astype("c8"), "records": np.zeros(2, [("a", "f4")]), "scalar": np.float32(1)}
        return {"net": {**rest, **floats}}, {name: to_keras(value) for name, value in floats.items()}
    for protocol in [2, 5]:
        both(f"torch-numpy-network-{protocol}", arrays, save={"pickle_protocol": protocol},
             left_out={"notFloat": 1, "unreadable": ["fp8 (float8_e4m3fn)", "objects (Python objects)",
                                                     "complex (complex, <c8)", "records (record)"]})

    def wrapped(epoch):
        # DataParallel, and torch.compile from the second checkpoint on.
        model = net(epoch)
        prefix = "module._orig_mod." if epoch == 1 else "module."
        return {prefix + name: value for name, value in model.state_dict().items()}, kernels(model.state_dict())
    both("torch-wrapped", wrapped, ending="pth", kinds=NET_KINDS)

    def whole(epoch):
        model = net(epoch)
        return model, kernels(model.state_dict())
    both("torch-whole-module", whole, kinds=NET_KINDS)

    def parameters(epoch):
        model = net(epoch)
        # Not a state dict: parameters themselves, as some save them.
        return dict(model.named_parameters()), kernels({name: p.detach() for name, p in model.named_parameters()})
    both("torch-parameters", parameters)

    for protocol in [3, 4, 5]:
        both(f"torch-protocol-{protocol}", whole, save={"pickle_protocol": protocol})

    def nested(epoch):
        encoder, head = nn.Linear(3, 2), nn.Linear(2, 2)
        parts = {"encoder": encoder.state_dict(), "head": head.state_dict()}
        flat = {f"{part}.{name}": value for part, state in parts.items() for name, value in state.items()}
        return {"net": parts, "epoch": epoch}, kernels(flat)
    both("torch-nested", nested)

    epochs = []
    for epoch in range(2):
        model = net(epoch).eval()
        torch.jit.script(model).save(str(cases.path("torch-script", f"{epoch}.pt")))
        epochs.append(kernels(model.state_dict()))
    cases.expect("torch-script", epochs, kinds=NET_KINDS)

    # transformers, before safetensors: several files and their index, beside the optimizer's and others.
    epochs = []
    for step in [500, 1000]:
        model = net(step)
        state = model.state_dict()
        names = list(state)
        folder = f"checkpoint-{step}"
        files = {"pytorch_model-00001-of-00002.bin": names[:3], "pytorch_model-00002-of-00002.bin": names[3:]}
        for file, part in files.items():
            torch.save({name: state[name] for name in part}, cases.path("torch-sharded", f"{folder}/{file}"))
        index = {"metadata": {}, "weight_map": {name: file for file, part in files.items() for name in part}}
        cases.path("torch-sharded", f"{folder}/pytorch_model.bin.index.json").write_text(json.dumps(index))
        for side in ["optimizer.pt", "scheduler.pt", "training_args.bin", "rng_state.pth"]:
            torch.save({"state": numbers(1, 50)}, cases.path("torch-sharded", f"{folder}/{side}"))
        for side in ["config.json", "trainer_state.json"]:
            cases.path("torch-sharded", f"{folder}/{side}").write_text('{"a": 1}')
        epochs.append(kernels(state))
    torch.save(state, cases.path("torch-sharded", "pytorch_model.bin"))
    cases.expect("torch-sharded", epochs, kinds=NET_KINDS, notes=["left out beside the numbered checkpoints: .*pytorch_model.bin",
                                                                  "left out files beside the weights: optimizer.pt"])

    # Accelerate: a folder a checkpoint, two models in each.
    epochs = []
    for epoch in range(2):
        models = [net(epoch), net(10 + epoch)]
        for model, name in zip(models, ["model.safetensors", "model_1.safetensors"]):
            save_file(model.state_dict(), cases.path("accelerate", f"checkpoint_{epoch}/{name}"))
        torch.save({"a": 1}, cases.path("accelerate", f"checkpoint_{epoch}/optimizer.bin"))
        cases.path("accelerate", f"checkpoint_{epoch}/random_states_0.pkl").write_bytes(b"\x80\x02N.")
        epochs.append(kernels(models[1].state_dict()))
    cases.expect("accelerate", epochs, select="model_1*")

    # One file with copies, the optimizer and a mask beside the network; names of a compiled one.
    epochs = []
    for epoch in range(2):
        state = {name: value.contiguous() for name, value in net(epoch).state_dict().items()}
        more = {f"ema.{name}": value * 2 for name, value in state.items() if value.is_floating_point()}
        more.update({f"exp_avg.{name}": value * 3 for name, value in state.items() if value.is_floating_point()})
        more["mask"] = torch.triu(torch.full((3, 3), float("-inf")), 1)
        save_file({**{f"_orig_mod.{name}": value for name, value in state.items()}, **more}, cases.path("copies", f"{epoch}.safetensors"))
        epochs.append(kernels(state))
    cases.expect("copies", epochs, kinds=NET_KINDS, left_out={"copies": 8, "optimizer": 8, "notFinite": ["mask"], "notFloat": 1},
                 notes=["averaged copies", "not finite in the first checkpoint: mask"])

    # Tied: the output kernel has the values of the embedding.
    epochs = []
    for epoch in range(2):
        table = numbers(epoch, 5, 3)
        saved = {"model.embed_tokens.weight": table, "lm_head.weight": table, "model.norm.weight": numbers(9, 3)}
        torch.save(saved, cases.path("torch-tied", f"step{epoch}.pt"))
        epochs.append({name: value.numpy() for name, value in saved.items()})
    cases.expect("torch-tied", epochs, kinds={"model.embed_tokens.weight": "embedding", "lm_head.weight": "other", "model.norm.weight": "norm"})

    # timm: the best, the last, and the numbered ones.
    epochs = []
    for epoch in range(2):
        model = net(epoch)
        saved = {"epoch": epoch, "arch": "resnet", "state_dict": model.state_dict(), "metric": 41.2}
        torch.save(saved, cases.path("timm", f"checkpoint-{epoch}.pth.tar"))
        epochs.append(kernels(model.state_dict()))
    for name in ["model_best.pth.tar", "last.pth.tar"]:
        torch.save(saved, cases.path("timm", name))
    cases.expect("timm", epochs, kinds=NET_KINDS, notes=["last.pth.tar, .*model_best.pth.tar"])


def numpy_cases(cases):
    epochs = []
    for epoch in range(2):
        k = numbers(epoch, 4, 3).numpy()
        b = k[0].astype(ml_dtypes.bfloat16)
        np.savez(cases.path("npz-types", f"{epoch}.npz"), **{
            "dense/kernel": k.astype(ml_dtypes.bfloat16), "dense/bias": b, "big/kernel": k.astype(">f8"), "half/kernel": k.astype(">f2"),
            "step": np.int64(epoch), "name": np.array("x"), "c": k.astype("c8"), "long": k.astype("g"), "objects": np.array({"a": 1}, dtype=object),
            "small": k.astype(ml_dtypes.float8_e4m3fn)})
        epochs.append({"dense/kernel": k.astype(ml_dtypes.bfloat16).astype("f4"), "dense/bias": b.astype("f4"), "big/kernel": k,
                       "half/kernel": k.astype("f2").astype("f4")})
    cases.expect("npz-types", epochs, left_out={"notFloat": 2, "unreadable": [
        "c (complex, <c8)", "long (<f16)", "objects (Python objects)", "small (<V1)"]})


def keras_cases(cases):
    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.c = layers.Conv2D(2, 3)
            self.post = layers.BatchNormalization()

        def call(self, x):
            return self.post(self.c(x))

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.blocks, self.tok, self.out = Block(), [Block()], layers.Embedding(5, 3), layers.Dense(2)
            self.gain = self.add_weight(shape=(2,), name="layer_gain")

        def call(self, x):
            x = self.blocks[0](self.first(x))
            return self.out(keras.ops.mean(x, (1, 2)) * self.gain) + keras.ops.sum(self.tok(keras.ops.zeros((1,), "int32")))

    def randomize(model, seed):
        rng = np.random.default_rng(seed)
        model.set_weights([rng.normal(size=w.shape).astype("f4") for w in model.get_weights()])
        return [np.asarray(keras.ops.cast(w, "float32")) for w in model.weights]

    keras.utils.clear_session()
    model = Net()
    model(np.zeros((1, 6, 6, 1), "f4"))
    ours = {}
    for path in [w.path for w in model.weights]:
        parts = path.split("/")[1:]
        ours[path] = "/".join(["blocks"] + parts if parts[0] == "block_1" else parts)
    ours["net/layer_gain"] = "net/0"
    epochs = []
    for epoch in range(2):
        values = randomize(model, epoch)
        model.save_weights(cases.path("keras-subclassed", f"{epoch}.weights.h5"))
        model.save_weights(cases.path("keras-sharded", f"{epoch}.weights.json"), max_shard_size=2e-7)
        epochs.append({ours[w.path]: value for w, value in zip(model.weights, values)})
    kinds = {name: "statistics" if "moving" in name else "norm" if "batch_norm" in name else "embedding" if "embed" in name else "bias" if name.endswith(("bias", "0"))
             else "conv" if "conv" in name else "fc" for name in epochs[0]}
    for case in ["keras-subclassed", "keras-sharded"]:
        cases.expect(case, epochs, kinds=kinds)
    assert len(list((cases.folder / "keras-sharded").glob("0_*.weights.h5"))) > 1

    # bfloat16, beside a layer of float32.
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, dtype="bfloat16", name="low"), layers.Dense(1, name="high")])
    epochs = []
    for epoch in range(2):
        values = randomize(model, epoch)
        model.save_weights(cases.path("keras-bf16", f"{epoch}.weights.h5"))
        model.save(cases.path("keras-bf16-whole", f"{epoch}.keras"))
        epochs.append({w.path.split("/", 1)[1]: value for w, value in zip(model.weights, values)})
    for case in ["keras-bf16", "keras-bf16-whole"]:
        cases.expect(case, epochs)

    # Name lists in several attributes, in layers and in a model within the model; the model's own weights.
    keras.utils.clear_session()
    legacy = import_module("keras.src.legacy.saving.legacy_h5_format")
    legacy.HDF5_OBJECT_HEADER_LIMIT = 300
    inner_in = x = keras.Input((2,))
    for n in range(12):
        x = layers.Dense(2, name=f"stage_{n:02d}_{'x' * 40}")(x)
    inner = keras.Model(inner_in, x, name="inner")
    outer_in = y = keras.Input((2,))
    for n in range(12):
        y = layers.Dense(2, name=f"outer_{n:02d}_{'y' * 40}")(y)
    model = keras.Model(outer_in, layers.Dense(1, name="head")(inner(y)))
    epochs = []
    for epoch in range(2):
        values = randomize(model, epoch)
        with h5py.File(cases.path("keras-split-names", f"{epoch}.h5"), "w") as file:
            legacy.save_weights_to_hdf5_group(file, model)
            assert "layer_names1" in file.attrs and "weight_names1" in file["inner"].attrs
            group = file["top_level_model_weights"]
            group.attrs["weight_names"] = [b"own_gain:0"]
            group["own_gain:0"] = np.full(3, epoch, "f4")
        outer = {w.path: ("inner/" if w.path.startswith("stage") else "") + w.path for w in model.weights}
        epochs.append({**{outer[w.path]: value for w, value in zip(model.weights, values)}, "own_gain": np.full(3, epoch, "f4")})
    cases.expect("keras-split-names", epochs)

    # Floats that HDF5 itself knows: its bfloat16, either byte order, and some that are not read.
    epochs = []
    for epoch in range(2):
        w = numbers(epoch, 2, 3).numpy()
        with h5py.File(cases.path("hdf5-floats", f"{epoch}.h5"), "w") as file:
            group = file.create_group("l")
            bf16 = h5py.h5t.IEEE_F16LE.copy()
            bf16.set_fields(15, 7, 8, 0, 7)
            bf16.set_ebias(127)
            space = h5py.h5s.create_simple(w.shape)
            h5py.h5d.create(group.id, b"kernel:0", bf16, space).write(h5py.h5s.ALL, h5py.h5s.ALL, w)
            group["big:0"] = w.astype(">f8")
            tiny = h5py.h5t.IEEE_F16LE.copy()
            tiny.set_fields(7, 3, 4, 0, 3)
            tiny.set_ebias(7)
            tiny.set_precision(8)
            tiny.set_size(1)
            h5py.h5d.create(group.id, b"tiny:0", tiny, space).write(h5py.h5s.ALL, h5py.h5s.ALL, w)
            group["count:0"] = np.int64(3)
            group["elsewhere"] = w
            group.attrs["weight_names"] = [b"kernel:0", b"big:0", b"tiny:0", b"count:0"]
            file.attrs["layer_names"] = [b"l"]
        # HDF5 rounds to the nearest as bfloat16 does.
        epochs.append({"l/kernel": w.astype(ml_dtypes.bfloat16).astype("f4"), "l/big": w})
    cases.expect("hdf5-floats", epochs, left_out={"notFloat": 1, "elsewhere": 1, "unreadable": ["l/tiny (floats of 8 bits)"]})


def make_cases(folder, encode):
    cases = Cases(folder, encode)
    torch_cases(cases)
    numpy_cases(cases)
    keras_cases(cases)
    cases.finish()
