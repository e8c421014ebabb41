"""Kinds of tensors as Keras and PyTorch name them."""

import pytest

from .._kinds import kind_of


@pytest.mark.parametrize(
    ("name", "shape", "layer_class", "kind"),
    [
        ("conv2d_1/kernel", (3, 3, 8, 16), "Conv2D", "conv"),
        ("dense/kernel", (10, 3), None, "fc"),
        ("dense/bias", (3,), None, "bias"),
        ("batch_normalization_1/gamma", (8,), "BatchNormalization", "norm"),
        ("batch_normalization/moving_mean:0", (8,), None, "statistics"),
        ("embedding/embeddings", (100, 8), "Embedding", "embedding"),
        ("batch_stats/post/var", (8,), None, "statistics"),
        ("layer1.0.conv1.weight", (8, 3, 3, 3), "Conv2d", "conv"),
        ("layer1.0.bn1.running_var", (8,), "BatchNorm2d", "statistics"),
        ("layer1.0.bn1.weight", (8,), "BatchNorm2d", "norm"),
        ("blocks.0.attention.bias", (8,), "LayerNorm", "norm"),
        ("fc.weight", (10, 64), "Linear", "fc"),
        ("wte.weight", (100, 8), "Embedding", "embedding"),
        ("encoder.pos_embedding", (1, 197, 8), "Encoder", "embedding"),
        ("step", (), None, "other"),
    ],
)
def test_the_kind_of(name, shape, layer_class, kind):
    assert kind_of(name, shape, layer_class) == kind
