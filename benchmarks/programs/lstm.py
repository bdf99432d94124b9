"""Loss of a long short-term memory network with diagonal weights that predicts the bits of the next character.

Source: GradBench's `lstm`, from ADBench (D-LSTM). Sizes and distributions are theirs: l = 4 layers, c = 1024 characters
of b = 14 bits, weights and state uniform in [0, 1). The text is random: letters of English with their frequencies, and
now and then the apostrophe U+2019 that gives theirs its 14 bits.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

L, C, B = 4, 1024, 14
LETTERS = " etaoinshrdlcumwfgypbvk\n,.’"
FREQUENCIES = (18, 10, 7, 6.5, 6, 6, 5.5, 5, 5, 4.8, 3.4, 3.2, 2.2, 2.2, 1.9, 1.9, 1.8, 1.6, 1.6, 1.5, 1.2, 0.8, 0.6)


def data() -> Data:
    rng = np.random.default_rng(0)
    weights = np.array((*FREQUENCIES, 2.5, 1.5, 0.8, 0.6))
    codes = np.array([ord(c) for c in LETTERS])[rng.choice(len(LETTERS), C, p=weights / weights.sum())]
    return {
        "main": rng.uniform(size=(2 * L, 4 * B)),
        "extra": rng.uniform(size=(3, B)),
        "state": rng.uniform(size=(2 * L, B)),
        "sequence": (codes[:, None] >> np.arange(B)[::-1] & 1).astype(np.float64),
    }


# NumPy -----------------------------------------------------------------------------------------------------------
def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def layer(weight, bias, hidden, cell, x):
    gates = np.concatenate([x, hidden, x, hidden]) * weight + bias
    forget, ingate, outgate, change = gates.reshape(4, -1)
    cell = cell * sigmoid(forget) + sigmoid(ingate) * np.tanh(change)
    return sigmoid(outgate) * np.tanh(cell), cell


def predict(main, extra, state, x):
    x = x * extra[0]
    new = []
    for i in range(0, len(main), 2):
        x, cell = layer(main[i], main[i + 1], state[i], state[i + 1], x)
        new += [x, cell]
    return x * extra[1] + extra[2], np.stack(new)


def loss(main, extra, state, sequence):
    total = 0.0
    for t in range(len(sequence) - 1):
        y, state = predict(main, extra, state, sequence[t])
        total += np.sum(sequence[t + 1] * (y - np.log(2.0 + np.sum(np.exp(y)))))
    return -total / ((len(sequence) - 1) * sequence.shape[1])


def wengert(data: Data) -> Subject:
    return Subject(loss, tuple(data.values()), (0, 1))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    sigmoid = jax.nn.sigmoid

    def layer(weight, bias, hidden, cell, x):
        gates = jnp.concatenate([x, hidden, x, hidden]) * weight + bias
        forget, ingate, outgate, change = gates.reshape(4, -1)
        cell = cell * sigmoid(forget) + sigmoid(ingate) * jnp.tanh(change)
        return sigmoid(outgate) * jnp.tanh(cell), cell

    def predict(main, extra, state, x):
        x = x * extra[0]
        new = []
        for i in range(0, len(main), 2):
            x, cell = layer(main[i], main[i + 1], state[i], state[i + 1], x)
            new += [x, cell]
        return x * extra[1] + extra[2], jnp.stack(new)

    def loss(main, extra, state, sequence):
        def step(carry, pair):
            total, state = carry
            x, wanted = pair
            y, state = predict(main, extra, state, x)
            return (total + jnp.sum(wanted * (y - jnp.log(2.0 + jnp.sum(jnp.exp(y))))), state), None

        (total, _), _ = jax.lax.scan(step, (0.0, state), (sequence[:-1], sequence[1:]))
        return -total / ((len(sequence) - 1) * sequence.shape[1])

    return Subject(loss, tuple(jnp.asarray(a) for a in data.values()), (0, 1))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def layer(weight, bias, hidden, cell, x):
        gates = torch.cat([x, hidden, x, hidden]) * weight + bias
        forget, ingate, outgate, change = gates.reshape(4, -1)
        cell = cell * torch.sigmoid(forget) + torch.sigmoid(ingate) * torch.tanh(change)
        return torch.sigmoid(outgate) * torch.tanh(cell), cell

    def predict(main, extra, state, x):
        x = x * extra[0]
        new = []
        for i in range(0, len(main), 2):
            x, cell = layer(main[i], main[i + 1], state[i], state[i + 1], x)
            new += [x, cell]
        return x * extra[1] + extra[2], new

    def loss(main, extra, state, sequence):
        total = 0.0
        for t in range(len(sequence) - 1):
            y, state = predict(main, extra, state, sequence[t])
            total += torch.sum(sequence[t + 1] * (y - torch.log(2.0 + torch.sum(torch.exp(y)))))
        return -total / ((len(sequence) - 1) * sequence.shape[1])

    return Subject(loss, tuple(torch.from_numpy(a) for a in data.values()), (0, 1))


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd.numpy as anp

    def sigmoid(x):
        return 1.0 / (1.0 + anp.exp(-x))

    def layer(weight, bias, hidden, cell, x):
        gates = anp.concatenate([x, hidden, x, hidden]) * weight + bias
        forget, ingate, outgate, change = anp.reshape(gates, (4, -1))
        cell = cell * sigmoid(forget) + sigmoid(ingate) * anp.tanh(change)
        return sigmoid(outgate) * anp.tanh(cell), cell

    def predict(main, extra, state, x):
        x = x * extra[0]
        new = []
        for i in range(0, len(main), 2):
            x, cell = layer(main[i], main[i + 1], state[i], state[i + 1], x)
            new += [x, cell]
        return x * extra[1] + extra[2], new

    def loss(main, extra, state, sequence):
        total = 0.0
        for t in range(len(sequence) - 1):
            y, state = predict(main, extra, state, sequence[t])
            total = total + anp.sum(sequence[t + 1] * (y - anp.log(2.0 + anp.sum(anp.exp(y)))))
        return -total / ((len(sequence) - 1) * sequence.shape[1])

    return Subject(loss, tuple(data.values()), (0, 1))


PROGRAM = Program(
    name="lstm",
    title=f"LSTM, l = {L}, c = {C}",
    kind="loop",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
    left_out={"PyTorch compiled": "writes out all rounds: compiling takes many minutes"},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
