#!/usr/bin/env python3
"""Makes checkpoints as people have them, imports them, and compares every value with what the framework reads back.

usage: npm run verify:checkpoints      (PY: a Python with torch, keras, tensorflow, jax, orbax-checkpoint, safetensors,
                                       h5py, ml_dtypes, pyarrow)
       verify-checkpoints.py [CASE]...
CASES names a directory of situations, one folder with a run.sh each (default: ../shared/cases beside the project); a run.sh
makes files in a temporary directory, which it prints, and imports them. Further situations are made here: the formats that
are not read, each by the line that its refusal prints. Without that directory only these are tried.
"""
import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow.parquet as pq

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CASES = pathlib.Path(os.environ.get("CASES", PROJECT.parent / "shared" / "cases"))
WNN = ["node", str(PROJECT / "dist" / "cli" / "main.js")]
ENVIRONMENT = {**os.environ, "PROJECT": str(PROJECT), "PY": sys.executable, "KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
os.environ.update({"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"})


def load(store):
    """Values by epoch and tensor, and kinds by tensor, of a store with one run."""
    epochs, kinds = {}, {}
    for file in sorted(glob.glob(f"{store}/run=*/weights-*.parquet")):
        for row in pq.read_table(file).to_pylist():
            values = np.array(row["values"], "f4").reshape(row["shape"])
            epochs.setdefault(row["epoch"], {})[row["tensor"]] = values
            kinds[row["tensor"]] = row["kind"]
    return [epochs[epoch] for epoch in sorted(epochs)], kinds


def check(store, expected, kinds=None):
    """`expected`: a dictionary of values an epoch, by the names in the store."""
    epochs, found = load(store)
    assert len(epochs) == len(expected), f"{store}: {len(epochs)} epochs, not {len(expected)}"
    for number, (epoch, values) in enumerate(zip(epochs, expected)):
        assert epoch.keys() == values.keys(), f"{store}: {sorted(epoch.keys() ^ values.keys())} differ"
        for name, value in values.items():
            np.testing.assert_array_equal(epoch[name], np.asarray(value, "f4"), err_msg=f"{store}, epoch {number}, {name}")
    for name, kind in (kinds or {}).items():
        assert found[name] == kind, f"{store}: {name} is {found[name]}, not {kind}"


def kernel(array):
    array = np.asarray(array, "f4")
    return array.transpose(*range(2, array.ndim), 1, 0) if array.ndim > 1 else array


def natural(pattern):
    return sorted(glob.glob(pattern), key=lambda path: [int(n) for n in re.findall(r"\d+", os.path.basename(path))])


def state_dicts(pattern, pick=lambda saved: saved):
    import torch
    return [{name: kernel(value.float()) for name, value in pick(torch.load(path)).items()} for path in natural(pattern)]


def safetensors(pattern):
    from safetensors import safe_open
    epochs = []
    for path in natural(pattern):
        with safe_open(path, "pt") as file:
            epochs.append({name: file.get_tensor(name) for name in file.keys()})
    return epochs


def h5_arrays(pattern, names):
    """Datasets of Keras's files by their paths, under the names that an import gives them."""
    import h5py
    import ml_dtypes
    epochs = []
    for path in natural(pattern):
        with h5py.File(path) as file:
            read = lambda d: d[()].view(ml_dtypes.bfloat16).astype("f4") if d.attrs.get("dtype") == "bfloat16" else d[()]
            epochs.append({name: read(file[dataset]) for name, dataset in names.items()})
    return epochs


def tfjs(manifests):
    epochs = []
    for path in manifests:
        manifest = json.load(open(path))
        group = manifest["weightsManifest"][0]
        data = np.fromfile(os.path.join(os.path.dirname(path), group["paths"][0]), "<f4")
        epoch, begin = {}, 0
        for entry in group["weights"]:
            size = int(np.prod(entry["shape"]))
            epoch[entry["name"]] = data[begin:begin + size].reshape(entry["shape"])
            begin += size
        epochs.append(epoch)
    return epochs


def verify_01():
    folders = sorted(glob.glob("dirs/epoch-*/model.json"), key=lambda path: int(re.findall(r"\d+", path)[0]))
    check("s1", tfjs(folders), {"d/kernel": "fc", "d/bias": "bias"})
    flat = tfjs(natural("flat/epoch-*.json"))
    check("s2", flat)
    check("s3", flat)


def legacy_h5(pattern, inner=""):
    import h5py
    epochs = []
    for path in natural(pattern):
        epoch = {}
        with h5py.File(path) as file:
            def names(attributes, key):
                if key in attributes:
                    return list(attributes[key])
                parts = sorted((k for k in attributes if re.fullmatch(key + r"\d+", k)), key=lambda k: int(k[len(key):]))
                return [name for part in parts for name in attributes[part]]
            for layer in names(file.attrs, "layer_names"):
                for name in names(file[layer].attrs, "weight_names"):
                    layer_text, text = [n.decode() if isinstance(n, bytes) else n for n in (layer, name)]
                    plain = re.sub(r":\d+$", "", text)
                    epoch[plain if plain.startswith(layer_text + "/") else f"{layer_text}/{plain}"] = file[layer][text][()]
        epochs.append(epoch)
    return epochs


def verify_02():
    check("s1", legacy_h5("a/*.h5"))
    check("s2", legacy_h5("b/*.h5"))


def verify_03():
    expected = state_dicts("ck/*.pt", lambda saved: saved["model_state_dict"])
    check("s1", expected, {"0.weight": "fc", "0.bias": "bias"})


def verify_04():
    expected = [{name: kernel(value) for name, value in epoch.items() if name != "mask"} for epoch in safetensors("ck/*")]
    check("s1", expected)


def verify_05():
    names = {f"{layer}/{name}": f"layers/{layer}/vars/{i}" for layer in ["dense", "dense_1"] for i, name in enumerate(["kernel", "bias"])}
    check("s1", h5_arrays("ck/*.weights.h5", names))
    check("s3", h5_arrays("mix/*.weights.h5", names))
    for path in natural("kr/*.keras"):
        subprocess.run(["unzip", "-q", "-o", path, "model.weights.h5", "-d", path + ".d"], check=True)
        os.rename(f"{path}.d/model.weights.h5", f"kr/{os.path.basename(path)[:2]}.whole.h5")
    check("s2", h5_arrays("kr/*.whole.h5", names))


def verify_06():
    norm = ["gamma", "beta", "moving_mean", "moving_variance"]
    names = {"net/0": "vars/0", "dense/kernel": "layers/dense/vars/0", "dense/bias": "layers/dense/vars/1",
             "embedding/embeddings": "layers/embedding/vars/0"}
    import h5py
    with h5py.File("ck/001.weights.h5") as file:
        groups = []
        file.visititems(lambda path, node: groups.append(path) if path.endswith("/vars") and len(node) and "optimizer" not in path else None)
        title = lambda path: file[path + "/vars"].attrs["name"] if path + "/vars" in file else path.split("/")[-1]
        for group in groups:
            owner = group[:-len("/vars")].split("/")
            steps = ["/".join(owner[:i + 1]) for i, part in enumerate(owner) if part not in ("layers", "_layer_checkpoint_dependencies")]
            name = "/".join(title(step) for step in steps)
            last = title(steps[-1])
            arrays = norm if last.startswith("batch_norm") else ["embeddings"] if last.startswith("embedding") else ["kernel", "bias"]
            names.update({f"{name}/{array}": f"{group}/{i}" for i, array in enumerate(arrays) if str(i) in file[group]})
    kinds = {name: "statistics" if "moving" in name else "norm" if "batch_norm" in name else "embedding" if "embedding" in name else "conv" if "conv2d" in name and name.endswith("kernel")
             else "fc" if name.endswith("kernel") else "bias" for name in names}
    check("s1", h5_arrays("ck/*.weights.h5", names), kinds)


def verify_10():
    for name in ["acc", "ts", "lightning"]:
        epochs, _ = load(f"s-{name}")
        order = [int(epoch["fc.bias"][0]) for epoch in epochs]
        assert order == list(range(12)), f"{name}: {order}"


def verify_12():
    check("s1", [{name: kernel(epoch[name]) for name in ["fc.weight", "fc.bias"]} for epoch in safetensors("ck/*")])
    check("s2", [{name: kernel(epoch[name]) for name in ["fc.weight", "fc.bias"]} for epoch in safetensors("cx/*")])


def verify_15():
    check("s-jax", [{name: value.numpy() for name, value in epoch.items()} for epoch in safetensors("jax/*")],
          {name: "norm" for name in ["params/RMSNorm_0/scale", "params/LayerNorm_0/scale", "params/q_norm/scale", "params/input_layernorm/scale"]})
    kinds = {"embed.weight": "embedding", "item_emb.weight": "embedding", "shared.weight": "embedding", "blocks.0.attn.q_norm.weight": "norm",
             "fc.weight": "fc", "fc.bias": "bias", "cls_token": "other", "sn.weight_orig": "fc", "sn.weight_u": "other", "sn.weight_v": "other",
             "rope.inv_freq": "other", "logit_scale": "other", "norm_proj.weight": "fc", "adaln.norm1.linear.weight": "fc"}
    arrange = lambda name, value: kernel(value) if kinds[name] == "fc" else value.numpy()
    check("s-pt", [{name: arrange(name, value) for name, value in epoch.items()} for epoch in safetensors("pt/*")], kinds)
    for store in ["s-w", "s-k"]:
        epochs, found = load(store)
        assert len(epochs) == 11
        for name, kind in found.items():
            expected = "statistics" if "moving" in name else "norm" if "normalization" in name else "fc" if name.endswith("kernel") else "bias"
            assert kind == expected, f"{store}: {name} is {kind}"
    check("s-k", keras_whole("k/*.h5"))
    arrays = {"dense": ["kernel", "bias"], "dense_1": ["kernel", "bias"], "rms_normalization": ["scale"],
              "layer_normalization": ["gamma", "beta"], "batch_normalization": ["0", "1", "2"]}
    names = {f"{layer}/{name}": f"layers/{layer}/vars/{i}" for layer, own in arrays.items() for i, name in enumerate(own)}
    check("s-w", h5_arrays("w/*.weights.h5", names))


def keras_whole(pattern):
    import h5py
    epochs = []
    for path in natural(pattern):
        with h5py.File(path) as file:
            root, epoch = file["model_weights"], {}
            for layer in root.attrs["layer_names"]:
                for name in root[layer].attrs["weight_names"]:
                    text = name.decode() if isinstance(name, bytes) else name
                    title = layer.decode() if isinstance(layer, bytes) else layer
                    plain = "/" + re.sub(r":\d+$", "", text)
                    at = plain.find(f"/{title}/")
                    epoch[plain[at + 1:] if at >= 0 else f"{title}{plain}"] = root[layer][text][()]
            epochs.append(epoch)
    return epochs


def verify_19():
    import ml_dtypes
    read = lambda array: array.view(ml_dtypes.bfloat16).astype("f4") if array.dtype.kind == "V" else array
    arrays = lambda pattern, names: [{name: read(np.load(path, allow_pickle=True)[name]) for name in names} for path in natural(pattern)]
    check("s-bf", arrays("bf/*.npz", ["params/Dense_0/kernel", "params/Dense_0/bias"]))
    check("s-mix", arrays("mix/*.npz", ["params/Dense_0/kernel", "params/head/kernel"]))
    check("s-scal", arrays("scal/*.npz", ["w/kernel", "f/kernel"]))


def run_case(case):
    """Runs a situation of the directory and compares what it left."""
    done = subprocess.run(["bash", str(case / "run.sh")], env=ENVIRONMENT, capture_output=True, text=True)
    place = re.search(r"# files in (\S+)", done.stdout)
    assert place, done.stdout + done.stderr
    os.chdir(place.group(1))
    globals()[f"verify_{case.name[:2]}"]()


def convert(folder):
    """Imports what is refused, and runs the line that the refusal prints."""
    refused = subprocess.run([*WNN, "collect", "import", folder, "--store", "none"], capture_output=True, text=True, env=ENVIRONMENT)
    line = re.search(r"python (-[cm] .*)$", refused.stderr.strip().split("\n")[-1])
    assert refused.returncode == 1 and line, refused.stderr
    subprocess.run(["bash", "-c", f"{sys.executable} {line.group(1)}"], check=True, capture_output=True)
    return line.group(1)


def import_into(source, store, *options):
    subprocess.run([*WNN, "collect", "import", source, "--store", store, *options], check=True, capture_output=True, env=ENVIRONMENT)


def refused_legacy_torch():
    import torch
    os.mkdir("ck")
    states = []
    for epoch in range(2):
        torch.manual_seed(epoch)
        model = torch.nn.Linear(3, 2)
        torch.save(model.state_dict(), f"ck/{epoch}.pt", _use_new_zipfile_serialization=False)
        states.append({name: kernel(value) for name, value in model.state_dict().items()})
    convert("ck")
    import_into("ck", "s")
    check("s", states)


def refused_pickle():
    import pickle
    os.mkdir("ck")
    expected = []
    for epoch in range(2):
        arrays = {"dense/kernel": np.random.default_rng(epoch).normal(size=(3, 2)).astype("f4")}
        pickle.dump(arrays, open(f"ck/{epoch}.pkl", "wb"))
        expected.append(arrays)
    convert("ck")
    import_into("ck", "s")
    check("s", expected)


def refused_tensorflow():
    import tensorflow as tf
    os.mkdir("ck")
    expected = []
    for epoch in range(2):
        values = np.random.default_rng(epoch).normal(size=(3, 2)).astype("f4")
        checkpoint = tf.train.Checkpoint(kernel=tf.Variable(values), step=tf.Variable(3))
        checkpoint.write(f"ck/ckpt-{epoch}")
        expected.append({"kernel": values})
    convert("ck")
    import_into("ck", "s")
    check("s", expected)


def refused_orbax():
    """In a folder a step, as a Checkpointer writes them; and of a CheckpointManager, whose steps hold one named item or more."""
    import ml_dtypes
    # JAX beside PyTorch's and TensorFlow's threads can hang at the end: a process of its own.
    write = """
import os, jax.numpy as jnp, numpy as np, orbax.checkpoint as ocp
here = os.path.abspath("")
managers = [ocp.CheckpointManager(f"{here}/{name}") for name in ["manager", "items"]]
for epoch in range(2):
    random = np.random.default_rng(epoch)
    kernel, scale = random.normal(size=(3, 2)).astype("f4"), jnp.asarray(random.normal(size=4), jnp.bfloat16)
    tree = {"params": {"Dense_0": {"kernel": kernel}, "LayerNorm_0": {"scale": scale}}, "opt_state": [{"mu": kernel}], "step": epoch}
    ocp.PyTreeCheckpointer().save(f"{here}/plain/{epoch}", tree)
    managers[0].save(epoch, args=ocp.args.StandardSave(tree))
    managers[1].save(epoch, args=ocp.args.Composite(state=ocp.args.StandardSave(tree)))
for manager in managers:
    manager.wait_until_finished()
"""
    subprocess.run([sys.executable, "-c", write], check=True, capture_output=True)
    expected = []
    for epoch in range(2):
        random = np.random.default_rng(epoch)
        kernel, scale = random.normal(size=(3, 2)).astype("f4"), random.normal(size=4).astype(ml_dtypes.bfloat16)
        expected.append({"params/Dense_0/kernel": kernel, "params/LayerNorm_0/scale": scale.astype("f4")})
    for folder in ["plain", "manager", "items"]:
        convert(folder)
        import_into(folder, f"s-{folder}")
        check(f"s-{folder}", expected, {"params/Dense_0/kernel": "fc", "params/LayerNorm_0/scale": "norm"})


def refused_torch_distributed():
    import torch
    import torch.distributed.checkpoint as dcp
    expected = []
    for epoch in range(2):
        torch.manual_seed(epoch)
        state = torch.nn.Linear(3, 2).state_dict()
        dcp.save({"model": state}, checkpoint_id=f"ck/step-{epoch}", no_dist=True)
        expected.append({name: kernel(value) for name, value in state.items()})
    first = convert("ck")
    subprocess.run(["bash", "-c", f"{sys.executable} {first.replace('step-0', 'step-1')}"], check=True, capture_output=True)
    import_into("ck", "s", "--format", "torch")
    check("s", expected)


SITUATIONS = {name.replace("_", "-"): work for name, work in list(globals().items()) if name.startswith("refused_")}
if CASES.is_dir():
    for folder in sorted(CASES.glob("*/run.sh")):
        SITUATIONS[folder.parent.name] = lambda case=folder.parent: run_case(case)
else:
    print(f"{CASES} is not there: only what is made here is tried", file=sys.stderr)

failed = []
wanted = sys.argv[1:] or list(SITUATIONS)
for name in wanted:
    os.chdir(tempfile.mkdtemp())
    try:
        SITUATIONS[name]()
        print(f"ok      {name}", flush=True)
    except Exception as error:
        failed.append(name)
        print(f"FAILED  {name}: {str(error).strip()[:2000]} (in {os.getcwd()})", flush=True)
print(f"{len(wanted) - len(failed)} of {len(wanted)} come out right")
sys.exit(1 if failed else 0)
