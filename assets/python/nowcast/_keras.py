"""Which Keras it is, and what its backends need of callbacks."""

from __future__ import annotations

import os
from typing import Any

if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
    # What tf.keras is then. The package `keras` is it before TensorFlow 2.16.
    import tf_keras as keras
else:
    import keras

__all__ = ["attach_state", "keras", "require_single_steps", "type_name"]

def attach_state(callback: Any) -> None:
    """On JAX, variables hold the weights in training once a callback asked for the model."""
    _ = callback.model


def require_single_steps(model: Any) -> None:
    together = getattr(model, "steps_per_execution", 1)
    if together != 1:
        raise ValueError(
            f"steps end {together} at a time and cannot be counted: steps_per_execution {together}; "
            "count epochs, or compile with 1"
        )


def type_name(variable: Any) -> str:
    return getattr(variable.dtype, "name", variable.dtype)
