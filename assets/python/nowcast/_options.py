"""Values of options by their types: ``watch="off"`` would switch on what it was to switch off."""

from __future__ import annotations

from typing import Any, Mapping

__all__ = ["require_flag", "require_function", "require_mapping", "require_names"]


def _refuse(option: str, value: Any, wanted: str) -> ValueError:
    return ValueError(f"not {wanted}: {option} {value!r}; give {wanted}")


def require_flag(value: Any, option: str) -> bool:
    """True or False.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(value, bool):
        raise _refuse(option, value, "True or False")
    return value


def require_function(value: Any, option: str) -> Any:
    """A function, or None.

    Raises:
        ValueError: It is neither.
    """
    if value is not None and not callable(value):
        raise _refuse(option, value, "a function")
    return value


def require_names(value: Any, option: str) -> tuple[str, ...]:
    """Several names; a single string is none of them.

    Raises:
        ValueError: They are not.
    """
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise _refuse(option, value, "a list of names")
    names = tuple(value)
    if not all(isinstance(name, str) for name in names):
        raise _refuse(option, value, "a list of names")
    return names


def require_mapping(value: Any, option: str, example: str) -> Mapping[str, Any]:
    """A dictionary.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"not a dictionary: {option} {value!r}; write e.g. {example}")
    return value
