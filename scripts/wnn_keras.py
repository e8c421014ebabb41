"""The network in Keras, written from its description: for the scripts that compare the project with Keras."""
import keras
from keras import layers


@keras.saving.register_keras_serializable("wnn")
class Exp(layers.Layer):
    def call(self, x):
        return keras.ops.exp(x)


def build_wnn(length=5, outputs=1):
    """Two inputs, [batch, length] values and [batch, length - 1] differences; one output [batch, outputs]."""
    inputs = [keras.Input((length,)), keras.Input((length - 1,))]
    streams = []
    for x in inputs:
        features = layers.Dense(64)(x)
        code = layers.Dense(8, activation="relu")(features)
        add, mul, exp = layers.Dense(64)(code), layers.Dense(64)(code), layers.Dense(64)(code)
        power = Exp()(layers.Multiply()([exp, features]))
        activated = layers.Add()([layers.Multiply()([mul, power]), add])
        streams.append(layers.LeakyReLU(negative_slope=0.3)(layers.Dense(32)(activated)))
    return keras.Model(inputs, layers.Dense(outputs, activation="tanh")(layers.Concatenate()(streams)))
