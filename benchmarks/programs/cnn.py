"""A training step of a small convolutional network: value and gradient of the cross-entropy, and gradient descent.

Images of 28 x 28 in batches of 64; twice a convolution of 5 x 5 (8, then 16 channels), the maximum of 2 x 2 and a
rectified linear unit; then ten classes: after Y. LeCun et al., Gradient-based learning applied to document recognition,
1998. The layout is (batch, height, width, channels), in PyTorch its own (batch, channels, height, width). JAX is given
the convolution by windows, like NumPy: on a CPU that takes less than half of the time of jax.lax.conv_general_dilated.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

BATCH, SIDE, WINDOW, CHANNELS, CLASSES, RATE = 64, 28, 5, (1, 8, 16), 10, 0.1


def data() -> Data:
    rng = np.random.default_rng(0)

    def kernel(m, n):
        return rng.standard_normal((WINDOW, WINDOW, m, n)) / np.sqrt(WINDOW * WINDOW * m)

    return {
        "w1": kernel(*CHANNELS[:2]),
        "w2": kernel(*CHANNELS[1:]),
        "w3": rng.standard_normal((4 * 4 * CHANNELS[2], CLASSES)) / 16.0,
        "x": rng.uniform(size=(BATCH, SIDE, SIDE, CHANNELS[0])),
        "labels": rng.integers(0, CLASSES, BATCH),
    }


def weights(data: Data) -> tuple:
    return data["w1"], data["w2"], data["w3"]


def slope(data: Data):
    """(loss, new weights) -> (loss, gradient): what libraries must agree on to many digits."""

    def canonical(result):
        loss, new = result
        return [loss, *((a - np.asarray(b)) / RATE for a, b in zip(weights(data), new, strict=True))]

    return canonical


# NumPy -----------------------------------------------------------------------------------------------------------
def convolve(x, w):
    """Each window as a row, times a matrix: (n, h, w, c), (k, k, c, f) -> (n, h - k + 1, w - k + 1, f)."""
    k = len(w)
    height, width = x.shape[1] - k + 1, x.shape[2] - k + 1
    windows = [x[:, i : i + height, j : j + width] for i in range(k) for j in range(k)]
    return np.concatenate(windows, axis=3) @ w.reshape(-1, w.shape[3])


def halve(x):
    """The maximum of each 2 x 2 pixels."""
    n, height, width, channels = x.shape
    return np.max(x.reshape(n, height // 2, 2, width // 2, 2, channels), axis=(2, 4))


def loss(weights, x, labels):
    w1, w2, w3 = weights
    x = np.maximum(halve(convolve(x, w1)), 0.0)
    x = np.maximum(halve(convolve(x, w2)), 0.0)
    logits = x.reshape(len(x), -1) @ w3
    logits = logits - np.max(logits, axis=1, keepdims=True)
    chosen = logits[np.arange(len(labels)), labels]
    return np.mean(np.log(np.sum(np.exp(logits), axis=1)) - chosen)


def wengert(data: Data) -> Subject:
    import wengert as wg

    def step(weights, x, labels):
        value, gradient = wg.value_and_grad(loss)(weights, x, labels)
        return value, wg.tree_map(lambda p, g: p - RATE * g, weights, gradient)

    return Subject(loss, (weights(data), data["x"], data["labels"]), derivative=step, canonical=slope(data))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def convolve(x, w):
        k = len(w)
        height, width = x.shape[1] - k + 1, x.shape[2] - k + 1
        windows = [x[:, i : i + height, j : j + width] for i in range(k) for j in range(k)]
        return jnp.concatenate(windows, axis=3) @ w.reshape(-1, w.shape[3])

    def halve(x):
        n, height, width, channels = x.shape
        return jnp.max(x.reshape(n, height // 2, 2, width // 2, 2, channels), axis=(2, 4))

    def loss(weights, x, labels):
        w1, w2, w3 = weights
        x = jax.nn.relu(halve(convolve(x, w1)))
        x = jax.nn.relu(halve(convolve(x, w2)))
        logits = jax.nn.log_softmax(x.reshape(len(x), -1) @ w3)
        return -jnp.mean(logits[jnp.arange(len(labels)), labels])

    def step(weights, x, labels):
        value, gradient = jax.value_and_grad(loss)(weights, x, labels)
        return value, jax.tree.map(lambda p, g: p - RATE * g, weights, gradient)

    args = jax.tree.map(jnp.asarray, (weights(data), data["x"], data["labels"]))
    return Subject(loss, args, derivative=step, canonical=slope(data))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch
    from torch.nn.functional import conv2d, cross_entropy, max_pool2d

    def loss(weights, x, labels):
        w1, w2, w3 = weights
        x = torch.relu(max_pool2d(conv2d(x, w1), 2))
        x = torch.relu(max_pool2d(conv2d(x, w2), 2))
        return cross_entropy(x.flatten(1) @ w3, labels)

    def step(weights, x, labels):
        gradient, value = torch.func.grad_and_value(loss)(weights, x, labels)
        return value, tuple(w - RATE * g for w, g in zip(weights, gradient, strict=True))

    side = 4  # of the last layer's images: the rows of w3 go from (height, width, channel) to (channel, height, width)

    def to_torch(w1, w2, w3):
        w3 = w3.reshape(side, side, -1, CLASSES).transpose(2, 0, 1, 3).reshape(-1, CLASSES)
        return tuple(
            torch.from_numpy(np.ascontiguousarray(w)) for w in (*(w.transpose(3, 2, 0, 1) for w in (w1, w2)), w3)
        )

    def canonical(result):
        value, (w1, w2, w3) = result
        w3 = w3.numpy().reshape(-1, side, side, CLASSES).transpose(1, 2, 0, 3).reshape(-1, CLASSES)
        return slope(data)((value, (w1.permute(2, 3, 1, 0).numpy(), w2.permute(2, 3, 1, 0).numpy(), w3)))

    x = torch.from_numpy(np.ascontiguousarray(data["x"].transpose(0, 3, 1, 2)))
    args = (to_torch(*weights(data)), x, torch.from_numpy(data["labels"]))
    return Subject(loss, args, derivative=step, canonical=canonical)


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd
    import autograd.numpy as anp
    from autograd.scipy.special import logsumexp

    def convolve(x, w):
        k = len(w)
        height, width = x.shape[1] - k + 1, x.shape[2] - k + 1
        windows = [x[:, i : i + height, j : j + width] for i in range(k) for j in range(k)]
        return anp.dot(anp.concatenate(windows, axis=3), anp.reshape(w, (-1, w.shape[3])))

    def halve(x):
        n, height, width, channels = x.shape
        return anp.max(anp.reshape(x, (n, height // 2, 2, width // 2, 2, channels)), axis=(2, 4))

    def loss(weights, x, labels):
        w1, w2, w3 = weights
        x = anp.maximum(halve(convolve(x, w1)), 0.0)
        x = anp.maximum(halve(convolve(x, w2)), 0.0)
        logits = anp.dot(anp.reshape(x, (len(x), -1)), w3)
        return anp.mean(logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels])

    def step(weights, x, labels):
        value, gradient = autograd.value_and_grad(loss)(weights, x, labels)
        return value, tuple(w - RATE * g for w, g in zip(weights, gradient, strict=True))

    return Subject(loss, (weights(data), data["x"], data["labels"]), derivative=step, canonical=slope(data))


PROGRAM = Program(
    name="cnn",
    title=f"Convolutional network training step, {SIDE} x {SIDE}, batch {BATCH}",
    kind="array",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
