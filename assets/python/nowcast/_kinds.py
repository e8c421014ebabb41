"""The kind of a tensor, by the table that the toolkit has too: by the class of its layer, its name and its rank."""

from __future__ import annotations

import re
from typing import Optional, Sequence

from ._kind_rules import OWN_NAMES, RULES


def _snake(name: str) -> str:
    name = re.sub(r"([a-z\d])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


def _split(name: str) -> tuple[str, str, str]:
    """The path to the tensor, the names of its layer and of itself, without the numbers that containers give."""
    plain = re.sub(r":\d+$", "", name)
    match = re.search(OWN_NAMES, plain)
    if match:
        path, own = match.group(1), match.group(2)
    else:
        cut = max(plain.rfind("/"), plain.rfind("."))
        path, own = plain[: max(cut, 0)], plain[cut + 1 :]
    return path, _snake(re.split(r"[/.]", path)[-1]), own.lower()


def _kind_of_rank(rank: int) -> str:
    if rank == 0:
        return "other"
    return "conv" if rank >= 3 else "fc" if rank == 2 else "bias"


def kind_of(name: str, shape: Sequence[int], layer_class: Optional[str] = None) -> str:
    """``conv``, ``fc``, ``bias``, ``norm``, ``embedding``, ``statistics`` or ``other``.

    Args:
        name: The tensor's name with that of its layer: ``dense/kernel``, ``layer1.0.bn1.weight``.
        shape: Its shape.
        layer_class: Class of its layer, where it is known: ``BatchNormalization``, ``Conv2d``.
    """
    rank = len(shape)
    path, layer, own = _split(name)
    texts = {"class": _snake(layer_class or ""), "path": path, "layer": layer, "own": own}
    for rule in RULES:
        least, most = rule["ranks"]
        if rank < least or (most is not None and rank > most):
            continue
        if not re.search(rule["pattern"], texts[rule["of"]]):
            continue
        if rule["own"] is not None and not re.search(rule["own"], own):
            continue
        return _kind_of_rank(rank) if rule["kind"] == "rank" else rule["kind"]
    return _kind_of_rank(rank)
