r"""A feed-forward network that reads digits, and its backpropagation layer by layer.

$v_0 = x$ is a batch of images of handwritten digits, b × 64; $v_k = \sigma(v_{k-1} w_k)$; the loss is the mean
logarithm of what the network gives to wrong answers. Backwards,
$\partial L/\partial v_{k-1} = \partial L/\partial z_k\, w_k^\top$ and
$\partial L/\partial w_k = v_{k-1}^\top\, \partial L/\partial z_k$, with $z_k = v_{k-1} w_k$: each adjoint has the
shape of what it is the adjoint of. `wg.vjp` of one layer does one row of that table.

The images are 1,797 digits of 8 × 8 points (E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998), which
come with scikit-learn; the last 397 are kept for the test.
"""

import itertools
from typing import Any

import numpy as np
from pictures import BLUE, GREY, VERMILION, plt, save

import wengert as wg

WIDTHS = (64, 48, 32, 10)
EPOCHS, BATCH, TRAINING = 30, 100, 1400


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images as rows of 64 numbers from 0 to 1, and their digits."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.data / 16.0, found.target


def layer(v: Any, w: Any, last: bool = False) -> Any:
    """(b, m), (m, n) -> (b, n)."""
    z = v @ w
    return z if last else np.tanh(z)


def loss_of(v: Any, y: Any) -> Any:
    """Mean over the batch of -log softmax(v)[y]: (b, 10), (b,) -> ()."""
    v = v - np.max(v, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(v), axis=1)) - v[np.arange(len(y)), y])


def network(weights: list[Any], x: Any) -> Any:
    for k, w in enumerate(weights):
        x = layer(x, w, last=k == len(weights) - 1)
    return x


def start() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal((m, n)) / np.sqrt(m) for m, n in itertools.pairwise(WIDTHS)]


def layer_by_layer(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> list[dict[str, Any]]:
    """Forwards with one vjp a layer, then backwards: v, w and their adjoints, from the first layer to the last."""
    rows: list[dict[str, Any]] = []
    pulls, v = [], x
    for k, w in enumerate(weights):
        v_next, pull = wg.vjp(lambda v, w, k=k: layer(v, w, last=k == len(weights) - 1), v, w)
        rows.append({"v": v, "w": w})
        pulls.append(pull)
        v = v_next
    v_bar = wg.grad(loss_of)(v, y)
    for row, pull in zip(reversed(rows), reversed(pulls), strict=True):
        v_bar, w_bar = pull(v_bar)
        row["v_bar"], row["w_bar"] = v_bar, w_bar
    return rows


def data() -> dict[str, Any]:
    """Backpropagation at the start, and what training makes of the network."""
    x, y = digits()
    test = slice(TRAINING, None)
    weights = start()
    rows = layer_by_layer(weights, x[:BATCH], y[:BATCH])
    whole = wg.grad(lambda ws: loss_of(network(ws, x[:BATCH]), y[:BATCH]))(weights)
    step = wg.jit(wg.value_and_grad(lambda ws, x, y: loss_of(network(ws, x), y)))
    mean, losses, accuracy = [np.zeros_like(w) for w in weights], [], []
    order = np.random.default_rng(2)
    for _ in range(EPOCHS):
        for batch in np.array_split(order.permutation(TRAINING), TRAINING // BATCH):
            value, slopes = step(weights, x[batch], y[batch])
            mean = [0.9 * m + s for m, s in zip(mean, slopes, strict=True)]
            weights = [w - 0.1 * m for w, m in zip(weights, mean, strict=True)]
            losses.append(float(value))
        accuracy.append(float(np.mean(np.argmax(network(weights, x[test]), axis=1) == y[test])))
    shown = np.flatnonzero(np.arange(len(y)) >= TRAINING)[:12]
    answers = np.argmax(network(weights, x[shown]), axis=1)
    return {
        "rows": rows,
        "whole": whole,
        "losses": np.array(losses),
        "accuracy": np.array(accuracy),
        "images": (x[shown].reshape(-1, 8, 8), y[shown], answers),
        "weights": weights,
    }


def shape(a: np.ndarray) -> str:
    return " × ".join(map(str, a.shape))


def picture(data: dict[str, Any]) -> Any:
    """The table of shapes above; the loss, the accuracy and some digits below."""
    figure = plt.figure(figsize=(9.2, 6.2))
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.35])
    ax = top.subplots()
    ax.axis("off")
    ax.set_title(f"one step back through the layers, batch of {BATCH}")
    head = ["layer k", "$v_{k-1}$", "$w_k$", r"$\partial L/\partial v_{k-1}$", r"$\partial L/\partial w_k$"]
    head.append(r"$\|\partial L/\partial w_k\|$")
    cells = [
        [
            str(k + 1),
            shape(r["v"]),
            shape(r["w"]),
            shape(r["v_bar"]),
            shape(r["w_bar"]),
            f"{np.linalg.norm(r['w_bar']):.3f}",
        ]
        for k, r in enumerate(data["rows"])
    ]
    table = ax.table(cells, colLabels=head, loc="center", cellLoc="center")
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    table.scale(1.0, 1.75)
    for cell in table.get_celld().values():
        cell.set_edgecolor("#d5dbe0")
    left, right, grid = bottom.subplots(1, 3, width_ratios=[1, 1, 1])
    left.semilogy(data["losses"], color=BLUE, linewidth=1.0)
    left.set(xlabel="steps", title="loss of the batch")
    right.plot(np.arange(1, EPOCHS + 1), 100 * (1 - data["accuracy"]), "o-", color=VERMILION, markersize=3)
    right.set(xlabel="epochs", title="test errors (%)", ylim=(0, None))
    images, truth, answers = data["images"]
    mosaic = np.block([[np.pad(images[3 * r + c], 1) for c in range(3)] for r in range(4)])
    grid.imshow(mosaic, cmap="gray_r", aspect="equal")
    for k, (is_, said) in enumerate(zip(truth, answers, strict=True)):
        row, column = divmod(k, 3)
        colour = GREY if is_ == said else VERMILION
        grid.text(10 * column + 0.2, 10 * row + 1.6, str(said), color=colour, fontsize=9, fontweight="bold")
    grid.axis("off")
    grid.set_title("what it reads")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
