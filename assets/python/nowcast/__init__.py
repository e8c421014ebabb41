"""A trained weight nowcaster: forecasts of a network's weights some epochs ahead, for Keras, PyTorch and numpy.

``.keras.WeightForecasting`` is a callback for ``fit``, ``.torch.WeightNowcaster`` does the same in a training loop,
``.numpy.forecast`` applies the networks to arrays, ``.record.TrajectoryRecorder`` records a training from which nowcasters
are made. Importing the package imports none of them.
"""
