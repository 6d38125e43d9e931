"""The models of models.py in Keras: trains one for some seconds and prints its times, in seconds, as JSON.

Runs in a Python of its own (requirements-tensorflow.txt): `python with_keras.py MODEL SECONDS`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

# Without its remarks about the machine, and on the CPU, as the cells.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

# What is timed: called with a batch again and again.
Steps = dict[str, Callable[..., Any]]
# What was timed, and how many parameters the model has.
Timed = tuple[dict[str, list[float]], int]
_random = np.random.default_rng(0)


def mlp(seconds: float) -> Timed:
    x = _random.standard_normal((12_800, 784), dtype="f4")
    y = _random.integers(0, 10, 12_800, dtype="i4")
    model = keras.Sequential([keras.Input((784,)), layers.Dense(128, activation="relu"), layers.Dense(10)])
    times = timed(training(model), batches(x, y, 128), seconds)
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def fit(epochs: int, *callbacks: keras.callbacks.Callback) -> None:
        model.fit(x, y, batch_size=128, epochs=epochs, verbose=0, callbacks=callbacks)

    # The first traces.
    fit(1)
    fits = timed({"fit": lambda *_: fit(1)}, [()], seconds)["fit"]
    fit(1_000_000, epochs := EpochTimes(seconds))
    per_step = {"fit": [call / 100 for call in fits], "epoch": [epoch / 100 for epoch in epochs.times]}
    return times | per_step, model.count_params()


def conv(seconds: float) -> Timed:
    """Forward and backward alone: there is no optimizer in this one."""
    layer = layers.Conv2D(8, 3, padding="same")
    x = tf.constant(_random.standard_normal((64, 28, 28, 1), dtype="f4"))
    layer(x)

    def loss(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(layer(x)))

    @tf.function
    def step(x: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            value = loss(x)
        return value, tape.gradient(value, layer.trainable_variables)

    return timed({"forward": tf.function(loss), "step": step}, [(x,)], seconds), layer.count_params()


def transformer(seconds: float) -> Timed:
    tokens = _random.integers(0, 256, (32 * 16, 33), dtype="i4")
    model = keras.Model(inputs := keras.Input((32,), dtype="int32"), language_model(inputs))
    return timed(training(model), batches(tokens[:, :-1], tokens[:, 1:], 16), seconds), model.count_params()


def language_model(tokens: Any) -> Any:
    """Scores for the next token, from blocks that normalize first."""
    x = LearnedPositions()(layers.Embedding(256, 64)(tokens))
    for _ in range(2):
        normal = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, 16)(normal, normal, use_causal_mask=True)
        normal = layers.LayerNormalization()(x)
        x = x + layers.Dense(64)(layers.Dense(256, activation="relu")(normal))
    return layers.Dense(256)(layers.LayerNormalization()(x))


class LearnedPositions(layers.Layer):
    """Adds a row of weights for each position."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.table = self.add_weight(shape=shape[1:], initializer="uniform")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x + self.table


def training(model: keras.Model) -> Steps:
    """A step of Adam, and its parts: forward alone, and forward with backward."""
    optimizer = keras.optimizers.Adam(1e-3)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return entropy(y, model(x, training=True))

    def gradients(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            value = loss(x, y)
        return value, tape.gradient(value, model.trainable_variables)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        value, changes = gradients(x, y)
        optimizer.apply_gradients(zip(changes, model.trainable_variables, strict=True))
        return value

    return {"forward": tf.function(loss), "gradients": tf.function(gradients), "step": step}


def batches(x: np.ndarray, y: np.ndarray, size: int) -> list[tuple[tf.Tensor, ...]]:
    starts = range(0, len(x), size)
    return [(tf.constant(x[at : at + size]), tf.constant(y[at : at + size])) for at in starts]


def timed(steps: Steps, data: Iterable[tuple[tf.Tensor, ...]], seconds: float) -> dict[str, list[float]]:
    """Each for so long, after a call that traces it; the times of the last half, when it has settled."""
    times = {}
    for name, step in steps.items():
        each = cycle(data)
        step(*next(each))
        taken = []
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            step(*next(each))
            taken.append(time.perf_counter() - began)
        times[name] = taken[len(taken) // 2 :]
    return times


class EpochTimes(keras.callbacks.Callback):
    """How long each epoch of a `fit` takes, which ends after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.times: list[float] = []
        self.end = time.perf_counter() + seconds

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        now = time.perf_counter()
        self.times.append(now - self.began)
        self.model.stop_training = now > self.end


if __name__ == "__main__":
    times, parameters = {"mlp": mlp, "conv": conv, "transformer": transformer}[sys.argv[1]](float(sys.argv[2]))
    print(json.dumps({"times": times, "parameters": parameters}))
