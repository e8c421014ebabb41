"""Averages of the weights of a training: the same for Keras and PyTorch, and knows neither."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, Sequence

from ._options import require_function

__all__ = ["Averaging"]

# What each average is made with: its option, the option's default and whether a value is possible.
_RULES: dict[str, tuple[str, float, str, Callable[[Any], bool]]] = {
    "ema": ("decay", 0.99, "a number above 0 below 1", lambda value: 0 < value < 1),
    "lawa": ("k", 5, "a whole number from 1 up to 100", lambda value: value == int(value) and 1 <= value <= 100),
    "swa": ("start", 0.75, "a number from 0 below 1", lambda value: 0 <= value < 1),
}


class Averaging:
    """Averages a model's weights while it trains, and puts the averages into it for a while.

    Training itself is never touched. Evaluate with the averages and train on with the trained weights.

    Args:
        average: ``ema``, the exponential moving average step by step, bias-corrected so that the initial weights have no
            share; ``lawa``, the mean of the weights at the last ``k`` epoch ends; ``swa``, the mean of those from a share
            ``start`` of the epochs on.
        decay: Of ``ema``: share of the average that each step keeps, above 0, below 1. Default: 0.99.
        k: Of ``lawa``: epoch ends, 1 to 100; as many copies of the weights are kept. Default: 5.
        start: Of ``swa``: share of the epochs after which the mean begins, from 0, below 1. Default: 0.75.
        statistics: Returns batches of inputs, about ten of training, from which batch-norm statistics are estimated each
            time that the averages are put into the model. Default: statistics are averaged as all other weights are,
            which fits the averaged weights less well.
        epochs: Epochs of the whole training, for ``swa``. Default: those of the ``fit``.

    Raises:
        ValueError: An option is impossible, or of another average.
    """

    def __init__(
        self,
        *,
        average: str = "ema",
        decay: Optional[float] = None,
        k: Optional[int] = None,
        start: Optional[float] = None,
        statistics: Optional[Callable[[], Any]] = None,
        epochs: Optional[int] = None,
    ) -> None:
        super().__init__()
        require_function(statistics, "statistics")
        if average not in _RULES:
            raise ValueError(f"unknown average: average {average!r}; use {', '.join(_RULES)}")
        own, default, values, is_possible = _RULES[average]
        for option, value in {"decay": decay, "k": k, "start": start}.items():
            if value is None:
                continue
            if option != own:
                raise ValueError(f"an option of another average: {option} {value!r}; {average} takes {own}")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not is_possible(value):
                raise ValueError(f"impossible {own}: {own} {value!r}; give {values}")
            default = value
        self.average, self._parameter = average, default
        self._statistics, self._epochs = statistics, epochs
        self._forget()

    # What a framework adds.

    def _weights(self) -> Sequence[Any]:
        """All weights that are floats, in the order of the model."""
        raise NotImplementedError

    def _copy(self, weight: Any) -> Any:
        raise NotImplementedError

    def _blend(self, mean: Any, weight: Any, rate: float) -> Any:
        """``mean + rate * (weight - mean)``."""
        raise NotImplementedError

    def _write(self, weight: Any, values: Any) -> None:
        raise NotImplementedError

    def _estimate_statistics(self, batches: Any) -> None:
        raise NotImplementedError

    # What is the same for all.

    def _forget(self) -> None:
        """Begins a new training."""
        # The mean itself, or the epoch ends that it is of, oldest first.
        self._kept: list[list[Any]] = []
        self._count = 0
        self._ended = 0
        self._trained: Optional[list[Any]] = None

    def _step(self) -> None:
        if self._trained is not None:
            raise ValueError("a step was trained on the averages: AveragedWeights; call revert() before training goes on")
        if self.average == "ema":
            decay = self._parameter
            self._count += 1
            self._follow((1 - decay) / (1 - decay**self._count))

    def _end_epoch(self, epochs: Optional[int]) -> None:
        epoch = self._ended
        self._ended += 1
        if self.average == "lawa":
            self._kept = [*self._kept, [self._copy(weight) for weight in self._weights()]][-int(self._parameter) :]
        elif self.average == "swa":
            epochs = self._epochs if self._epochs is not None else epochs
            if epochs is None:
                raise ValueError("swa needs to know how many epochs the training has: epochs None; give the option epochs")
            if epoch >= int(self._parameter * epochs):
                self._count += 1
                self._follow(1 / self._count)

    def _follow(self, rate: float) -> None:
        weights = self._weights()
        if not self._kept:
            self._kept = [[self._copy(weight) for weight in weights]]
        else:
            self._kept = [[self._blend(mean, weight, rate) for mean, weight in zip(self._kept[0], weights)]]

    def value(self) -> Optional[list[Any]]:
        """The averages in the order of the model's weights that are floats; None while there are none."""
        if len(self._kept) < 2:
            return self._kept[0] if self._kept else None
        mean = [self._copy(first) for first in self._kept[0]]
        for n, weights in enumerate(self._kept[1:], 2):
            mean = [self._blend(own, weight, 1 / n) for own, weight in zip(mean, weights)]
        return mean

    def apply(self) -> bool:
        """Puts the averages into the model, until :meth:`revert`. Training must not go on before.

        Returns:
            False while there are none.
        """
        averages = self.value()
        if averages is None or self._trained is not None:
            return averages is not None
        weights = self._weights()
        self._trained = [self._copy(weight) for weight in weights]
        for weight, values in zip(weights, averages):
            self._write(weight, values)
        if self._statistics is not None:
            self._estimate_statistics(self._statistics())
        return True

    def revert(self) -> None:
        """Puts the trained weights back, bit for bit."""
        trained, self._trained = self._trained, None
        for weight, values in zip(self._weights() if trained else [], trained or []):
            self._write(weight, values)

    @contextmanager
    def applied(self) -> Iterator[bool]:
        """The averages are in the model within ``with averaged.applied():``, the trained weights before there are any."""
        try:
            yield self.apply()
        finally:
            self.revert()

    def _state(self, convert: Callable[[Any], Any]) -> dict[str, Any]:
        return {
            "average": self.average,
            "parameter": self._parameter,
            "count": self._count,
            "ended": self._ended,
            "kept": [[convert(values) for values in weights] for weights in self._kept],
        }

    def _restore(self, state: dict[str, Any], convert: Callable[[Any], Any]) -> None:
        if state.get("average") != self.average or state.get("parameter") != self._parameter:
            raise ValueError("the state of another average: state; give what was saved for this training")
        self.revert()
        self._count, self._ended = state["count"], state["ended"]
        self._kept = [[convert(values) for values in weights] for weights in state["kept"]]

    def _require_same(self) -> None:
        """After a state was restored: it must be of this model."""
        own = [tuple(weight.shape) for weight in self._weights()]
        if self._kept and [tuple(values.shape) for values in self._kept[0]] != own:
            raise ValueError("the state of another model: state; give what was saved for this training")
