"""Writes and reads safetensors files with numpy alone: 8 bytes of length, a header of JSON, the values."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Union

import numpy as np

_TYPES = {"F32": "<f4", "BF16": "<u2", "I64": "<i8"}


def to_bfloat16(values: np.ndarray) -> np.ndarray:
    """The upper halves of float32 numbers, rounded to the nearest, ties to even; as uint16."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    # Rounding could carry the payload of a NaN into an infinity.
    return np.where(np.isnan(values), np.uint32(0x7FC0), rounded).astype("<u2")


def encode(tensors: dict[str, np.ndarray], dtype: str) -> bytes:
    """A file of arrays of one type.

    Args:
        tensors: Arrays by name; of type BF16 as of :func:`to_bfloat16`.
        dtype: ``F32``, ``BF16`` or ``I64``.
    """
    header: dict[str, dict[str, object]] = {}
    parts: list[bytes] = []
    offset = 0
    for name, array in tensors.items():
        data = np.ascontiguousarray(array, _TYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + len(data)]}
        parts.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def decode(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file that :func:`encode` made; of type BF16 as uint16."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    return {
        name: np.frombuffer(content[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]],
                            _TYPES[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }


def write_atomically(path: Union[str, Path], content: bytes) -> None:
    """The file appears whole or not at all."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
