"""Records a training for ``wnn collect import``: a directory of safetensors snapshots and a manifest, ``trajectory.json``.

The format is documented with the toolkit (docs/python.md). Needs numpy alone; Keras or PyTorch come from the job.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

import numpy as np

from . import _safetensors
from ._cadence import UNITS, describe_cadence, require_whole
from ._periodic import PeriodicForecasting

if TYPE_CHECKING:
    import torch

__all__ = ["MANIFEST_NAME", "TrajectoryRecorder"]

#: Name of the manifest.
MANIFEST_NAME = "trajectory.json"
_FORMAT = "weight-trajectory"
_SCHEMA_VERSION = 1
_POSITIONS_NAME = "positions.safetensors"
_BLOCK = 1 << 20
_TYPES = {"float32": "F32", "bfloat16": "BF16"}


@dataclass(frozen=True)
class RecordedTensor:
    """A tensor of the network that is recorded."""

    name: str
    kind: str
    shape: tuple[int, ...]
    layer_class: str
    #: Returns the current values.
    read: Callable[[], np.ndarray]


class TrajectoryRecorder:
    """Records the weights of a network in training, snapshot by snapshot, each on disk before training goes on.

    In Keras, a callback::

        model.fit(x, y, epochs=50, callbacks=[TrajectoryRecorder("runs/a")])

    In PyTorch, or any loop of a ``torch.nn.Module``, called at the end of each epoch (or step), before a nowcaster::

        with TrajectoryRecorder("runs/a", model, optimizer=optimizer) as recorder:
            for epoch in range(50):
                ...
                recorder.step(loss=loss, val_loss=val_loss)

    Args:
        directory: Where the snapshots go; created where it is missing.
        model: A PyTorch model. Default: None, for Keras, whose ``fit`` brings the model.
        unit: What snapshots count: ``epoch`` or ``step``. Default: as the nowcaster, else ``epoch``.
        every: Epochs or steps from one snapshot to the next, at least 1. Default: as the nowcaster, else 1.
        dtype: ``float32``, or ``bfloat16`` in half of the space.
        scalars_per_tensor: Records only so many values of each larger tensor, at random places that stay the same, and beside
            them mean and root mean square of the whole tensor's values and of their changes from the snapshot before, for
            which the recorder holds a copy of the network. Default: all values.
        seed: Decides those places, with the names of the tensors.
        resume: Goes on with what a job that was interrupted left in the directory; snapshots of the epochs that are
            trained again are replaced. Default: a directory with a trajectory is refused.
        optimizer: Of PyTorch, for the manifest; Keras's is known.
        batch_size: For the manifest.
        task: What the network learns, e.g. ``cifar10``, for the manifest.
        architecture: What the network is called, e.g. ``resnet20``, for the manifest.
        nowcaster: The nowcaster that replaces weights in this training, so that no windows span its jumps.

    Raises:
        ValueError: An option is impossible, the directory holds a trajectory, or the one to go on with is another's.
    """

    def __new__(cls, directory: Union[str, Path], model: Any = None, **options: Any) -> TrajectoryRecorder:
        # As of pathlib.Path: the class that fits. Keras is not imported for who does not use it.
        if cls is TrajectoryRecorder and model is None:
            from . import keras

            unit, _ = _cadence_of(options.get("unit"), options.get("every"), options.get("nowcaster"))
            cls = keras.StepRecordingCallback if unit == "step" else keras.RecordingCallback
        return super().__new__(cls)

    def __init__(
        self,
        directory: Union[str, Path],
        model: Optional[torch.nn.Module] = None,
        *,
        unit: Optional[str] = None,
        every: Optional[int] = None,
        dtype: str = "float32",
        scalars_per_tensor: Optional[int] = None,
        seed: int = 0,
        resume: bool = False,
        optimizer: Optional[torch.optim.Optimizer] = None,
        batch_size: Optional[int] = None,
        task: Optional[str] = None,
        architecture: Optional[str] = None,
        nowcaster: Optional[PeriodicForecasting] = None,
    ) -> None:
        super().__init__()
        given = (unit, every)
        unit, every = _cadence_of(unit, every, nowcaster)
        _require_one_of(unit, UNITS, "unit")
        _require_one_of(dtype, tuple(_TYPES), "dtype")
        for option, value in {"every": every, "scalars_per_tensor": scalars_per_tensor}.items():
            if value is not None:
                require_whole(value, 1, option)
        self._directory = Path(directory)
        self._network = model
        self._unit, self._every, self._type = unit, every, _TYPES[dtype]
        self._share, self._seed = scalars_per_tensor, seed
        self._optimizer = optimizer
        self._facts = {"task": task, "architecture": architecture, "batchSize": batch_size}
        counted = nowcaster is not None and nowcaster.counts_snapshots
        if nowcaster is not None and (nowcaster.cadence != {"unit": unit, "every": every} or (counted and given[1] is not None)):
            raise ValueError(
                f"another cadence than the nowcaster's, {describe_cadence(nowcaster.cadence)}: unit {unit}, every {every}; "
                "leave both out to record as it takes its snapshots"
            )
        self._nowcaster = nowcaster
        self._epochs_planned: Optional[int] = None
        self._count = 0
        self._tensors: Optional[list[RecordedTensor]] = None
        self._positions: dict[str, np.ndarray] = {}
        self._last: dict[str, np.ndarray] = {}
        self._manifest: dict[str, Any] = {}
        path = self._directory / MANIFEST_NAME
        self._former = _read_manifest(path) if path.exists() else None
        if self._former is not None and not resume:
            raise ValueError(f"a trajectory is there: {path}; choose another directory, or go on with resume=True")
        if self._former is not None:
            self._count = max((entry[unit] for entry in self._former["snapshots"] if unit in entry), default=-1) + 1

    def __enter__(self) -> TrajectoryRecorder:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is None:
            self.close()

    def step(self, epoch: Optional[int] = None, **metrics: Any) -> bool:
        """Ends an epoch, or a step where ``unit`` is ``step``.

        Args:
            epoch: Its number, from 0. Default: the next one.
            **metrics: What was measured: ``loss``, ``val_loss``, ``accuracy``, ...

        Returns:
            Whether a snapshot was taken.
        """
        return self._end(self._count if epoch is None else epoch, metrics)

    def close(self) -> None:
        """Says in the manifest that the training came to its end."""
        if self._manifest:
            self._manifest["status"] = "complete"
            self._write_manifest()

    def _end(self, number: int, metrics: dict[str, Any]) -> bool:
        if self._manifest and number < self._count:
            raise ValueError(
                f"{self._unit} {number} was recorded already: {self._directory}; give each training a recorder of its own"
            )
        self._count = number + 1
        if self._nowcaster is not None:
            # Of a number of snapshots over the training, the nowcaster knows it from the begin of the training on.
            self._every = self._nowcaster.settled_cadence()["every"]
        if self._count % self._every != 0:
            return False
        if self._tensors is None:
            self._begin(number)
        values: dict[str, np.ndarray] = {}
        statistics: dict[str, list[Optional[float]]] = {}
        for tensor in self._tensors or []:
            whole = np.asarray(tensor.read(), np.float32).reshape(tensor.shape)
            positions = self._positions.get(tensor.name)
            values[tensor.name] = whole if positions is None else whole.reshape(-1)[positions]
            if self._share is not None:
                last = self._last.get(tensor.name)
                statistics[tensor.name] = _measure(whole.reshape(-1), last)
                self._last[tensor.name] = whole.reshape(-1).copy()
        if self._type == "BF16":
            values = {name: _safetensors.to_bfloat16(array) for name, array in values.items()}
        file = f"{self._unit}-{number:0{5 if self._unit == 'epoch' else 8}d}.safetensors"
        _safetensors.write_atomically(self._directory / file, _safetensors.encode(values, self._type))
        measured = {name: _finite(value) for name, value in metrics.items()}
        entry = {self._unit: number, "file": file, "metrics": measured}
        if self._share is not None:
            entry["statistics"] = statistics
        self._manifest["snapshots"].append(entry)
        self._write_manifest()
        return True

    def _begin(self, number: int) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._tensors = self._list_recorded()
        self._positions = self._choose_positions(self._tensors)
        nowcaster = self._nowcaster
        schedule = nowcaster and {"period": nowcaster.period, "start": nowcaster.start}
        framework = self._framework()
        manifest = {
            "format": _FORMAT,
            "schemaVersion": _SCHEMA_VERSION,
            "status": "recording",
            "framework": framework,
            "layout": framework["name"],
            **self._facts,
            "epochsPlanned": self._epochs_planned,
            "optimizer": self._describe_optimizer(),
            "cadence": {"unit": self._unit, "every": self._every},
            "nowcasts": schedule,
            "type": self._type,
            "scalarsPerTensor": self._share,
            "seed": self._seed,
            "positions": _POSITIONS_NAME if self._positions else None,
            "tensors": [
                {"name": tensor.name, "kind": tensor.kind, "class": tensor.layer_class, "shape": list(tensor.shape)}
                for tensor in self._tensors
            ],
            "snapshots": [],
        }
        if self._former is not None:
            for field in ("cadence", "type", "scalarsPerTensor", "seed", "tensors"):
                if self._former[field] != manifest[field]:
                    raise ValueError(
                        f"another {field} than before: {self._directory / MANIFEST_NAME}; "
                        "go on with the same network and options, or choose another directory"
                    )
            for entry in self._former["snapshots"]:
                if entry[self._unit] < number:
                    manifest["snapshots"].append(entry)
                else:
                    (self._directory / entry["file"]).unlink(missing_ok=True)
        if self._positions:
            content = _safetensors.encode(self._positions, "I64")
            _safetensors.write_atomically(self._directory / _POSITIONS_NAME, content)
        self._manifest = manifest

    def _choose_positions(self, tensors: list[RecordedTensor]) -> dict[str, np.ndarray]:
        chosen = {}
        for tensor in tensors:
            size = math.prod(tensor.shape)
            if self._share is not None and size > self._share:
                random = np.random.default_rng([self._seed, zlib.crc32(tensor.name.encode())])
                chosen[tensor.name] = np.sort(random.choice(size, self._share, replace=False))
        return chosen

    def _write_manifest(self) -> None:
        content = json.dumps(self._manifest, indent=1, allow_nan=False).encode()
        _safetensors.write_atomically(self._directory / MANIFEST_NAME, content)

    def _framework(self) -> dict[str, str]:
        import torch

        return {"name": "torch", "version": torch.__version__}

    def _list_recorded(self) -> list[RecordedTensor]:
        from .torch import list_recorded

        return list_recorded(self._network)

    def _describe_optimizer(self) -> Optional[dict[str, Any]]:
        from .torch import describe_optimizer

        return None if self._optimizer is None else describe_optimizer(self._optimizer)


def _cadence_of(
    unit: Optional[str], every: Optional[int], nowcaster: Optional[PeriodicForecasting]
) -> tuple[str, int]:
    """When snapshots are taken, where it is not given: as the nowcaster takes them, else every epoch."""
    own = {"unit": "epoch", "every": 1} if nowcaster is None else nowcaster.cadence
    return own["unit"] if unit is None else unit, own["every"] if every is None else every


def _require_one_of(value: Any, known: tuple[str, ...], option: str) -> None:
    if value not in known:
        raise ValueError(f"unknown value {value!r}: {option}; use {' or '.join(known)}")


def _measure(values: np.ndarray, last: Optional[np.ndarray]) -> list[Optional[float]]:
    """Mean and root mean square of values, and of their changes, in float64 a block at a time."""
    sums = np.zeros(4)
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK].astype(np.float64)
        change = np.zeros_like(block) if last is None else block - last[start : start + _BLOCK]
        sums += [block.sum(), np.dot(block, block), change.sum(), np.dot(change, change)]
    means = sums / max(values.size, 1)
    result = [means[0], math.sqrt(means[1]), means[2], math.sqrt(means[3])]
    return [_finite(value) for value in result[:2]] + [None if last is None else _finite(value) for value in result[2:]]


def _finite(value: Any) -> Optional[float]:
    number = float(value.detach() if hasattr(value, "detach") else value)
    return number if math.isfinite(number) else None


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text())
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise ValueError(f"not a manifest of a trajectory: {path}; choose another directory")
    if manifest.get("schemaVersion") != _SCHEMA_VERSION:
        raise ValueError(f"schema version {manifest.get('schemaVersion')}: {path}; go on with the package that wrote it")
    return manifest
