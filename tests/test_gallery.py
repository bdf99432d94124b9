"""The gallery's programs: each number that a picture shows, against a value found in another way."""

import importlib.util
import math
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.integrate

matplotlib = pytest.importorskip("matplotlib")

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
HELPERS = {"pictures", "traces"}
NAMES = sorted(path.stem for path in GALLERY.glob("*.py") if path.stem not in HELPERS)


@pytest.fixture(scope="module")
def load():
    """Imports an entry; `load(name).data()` is what its picture shows."""
    sys.path.insert(0, str(GALLERY))
    known = {}

    def load(name):
        if name not in known:
            spec = importlib.util.spec_from_file_location(f"gallery_{name}", GALLERY / f"{name}.py")
            known[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(known[name])
        return known[name]

    yield load
    sys.path.remove(str(GALLERY))
    for helper in HELPERS:
        sys.modules.pop(helper, None)


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_has_a_title_a_text_and_data(load, name):
    module = load(name)
    title, _, text = module.__doc__.partition("\n")
    assert 10 < len(title) <= 120 and title.endswith(".") and len(text) > 200
    assert callable(module.data)


def test_the_index_names_only_what_there_is():
    sys.path.insert(0, str(GALLERY.parent))
    try:
        import gallery_pages
    except ImportError:
        pytest.skip("the pages need Sphinx")
    finally:
        sys.path.remove(str(GALLERY.parent))
    lines = gallery_pages.ENTRIES.findall((GALLERY / "index.md").read_text(encoding="utf-8"))
    named = [name for line in lines for name in line.split()]
    assert set(named) - {"others"} <= set(NAMES) and len(named) == len(set(named))
    assert gallery_pages.title_and_text((GALLERY / "rates.py").read_text(encoding="utf-8"))[0].startswith("Rates of")


# five ways -------------------------------------------------------------------------------------------------------


def test_five_ways(load):
    data = load("five_ways").data()
    ways = {way.name: way for way in data["ways"]}
    assert ways["forward difference, 1e-5"].of_f[0] == 24.000039999805264
    for name in ("by hand", "symbolic", "complex step", "forward mode", "reverse mode"):
        assert ways[name].of_f == (24.0, 10.0)
    assert ways["symbolic"].of_loop is None
    assert ways["central difference"].of_f == pytest.approx((24.0, 10.0), rel=1e-9)
    # The tangents of the loop, carried along by hand in 40 digits.
    with mpmath.workdps(40):
        a, b = map(mpmath.mpf, (0.8, 0.3))
        z, za, zb = mpmath.mpf(0), mpmath.mpf(0), mpmath.mpf(0)
        for i in range(100):
            c, s, sb, cb = mpmath.cos(z + i), mpmath.sin(z + i), mpmath.sin(b - i), mpmath.cos(b - i)
            z, za, zb = a * c + z * sb, c - a * s * za + za * sb, -a * s * zb + zb * sb + z * cb
        truth = (float(za), float(zb))
    assert data["loop exact"] == pytest.approx(truth, rel=1e-15)
    for name in ("complex step", "forward mode", "reverse mode"):
        assert ways[name].of_loop == pytest.approx(truth, rel=1e-11)
    assert 1e-6 < abs(ways["forward difference, 1e-5"].of_loop[0] / truth[0] - 1) < 1e-2


def test_error_against_step(load):
    data = load("error_against_step").data()
    h, errors = data["steps"], data["errors"]
    law = h * abs(data["f''"]) / 2
    window = (h > 1e-6) & (h < 1e-3)
    np.testing.assert_allclose(errors["forward"][window], law[window], rtol=0.05)
    window = (h > 1e-3) & (h < 1e-2)
    np.testing.assert_allclose(errors["central"][window], (h**2 * abs(data["f'''"]) / 6)[window], rtol=0.05)
    # Derivatives of x exp(-x^2/2) are Hermite polynomials: He_3 - ... checked by mpmath.
    g = lambda x: x * mpmath.exp(-(x**2 + mpmath.mpf(1) / 4) / 2)
    assert data["f''"] == pytest.approx(float(mpmath.diff(g, 2, 2)), rel=1e-10)
    assert data["f'''"] == pytest.approx(float(mpmath.diff(g, 2, 3)), rel=1e-10)
    rounding = np.median(errors["forward"][(h > 1e-14) & (h < 1e-10)] * h[(h > 1e-14) & (h < 1e-10)])
    assert 1e-18 < rounding < 1e-15
    assert np.all(errors["complex"][h < 1e-9] < 1e-15) and data["AD"] < 1e-15
    assert 1e-10 < errors["forward"].min() < 1e-7 and 1e-8 < h[np.argmin(errors["forward"])] * 10 < 1e-5


def test_gradient_check(load):
    data = load("gradient_check").data()
    right, wrong = data["discrepancy"]["right"], data["discrepancy"]["wrong"]
    k = int(np.argmin(abs(data["steps"] - 1e-5)))
    assert np.all(right[:, k] < 1e-9)
    np.testing.assert_allclose(wrong[:, k], data["mistake"], rtol=1e-4, atol=1e-9)
    assert "argument 0" in data["report"] or "jvp" in data["report"]


def test_expression_swell(load):
    module = load("expression_swell")
    data = module.data()
    n = np.array(module.FACTORS)
    function, formula, program = data["product"].T
    np.testing.assert_array_equal(function, n - 1)
    np.testing.assert_array_equal(formula, n * (n - 2))  # n products of n - 1 factors each
    assert np.all(program <= 4 * n)
    function, formula, program = data["logistic"].T
    rounds = np.array(module.ROUNDS)
    np.testing.assert_array_equal(function, 5 * 2 ** (rounds - 1) - 2)  # 4x(1 - x) holds x twice; SymPy merges 4 * 4
    assert np.all(formula[3:] > 2 * formula[2:-1]) and np.ptp(np.diff(program[1:])) == 0


def test_million_inputs(load):
    data = load("million_inputs").data(sizes=(3, 30, 300), patience_s=0.5)
    np.testing.assert_array_equal(data["calls"], 2 * data["n"])
    assert np.all(np.isfinite(data["central"]))
    x = load("million_inputs").point(3)
    import wengert as wg

    exact = [x[1] * np.cos(x[0] * x[1]), x[0] * np.cos(x[0] * x[1]), 2 * x[2]]
    np.testing.assert_allclose(wg.grad(load("million_inputs").f)(x), exact, rtol=1e-15)


def test_symbolic_tree(load):
    module = load("symbolic_tree")
    data = module.data()
    assert data["tidy"] == {"x": "y", "y": "x"}
    assert data["dx"] == ("+", 0, ("+", ("·", 1, "y"), ("·", "x", 0))) and module.size(data["dx"]) == 9
    point = {"x": 3.0, "y": 4.0}
    assert [module.value(data[key], point) for key in ("g", "dx", "dy")] == [17.0, 4.0, 3.0]


# two modes -------------------------------------------------------------------------------------------------------


def rows_of(explanation):
    """Value, tangents (0 where there is none) and adjoint of each node, by name."""
    found = {}
    for forward, reverse in zip(explanation.forward.rows, explanation.reverse.rows, strict=True):
        assert reverse.adjoint == pytest.approx(sum(float(c.value) for c in reverse.contributions), rel=1e-14)
        tangents = [0.0 if t is None else float(t) for t in forward.tangents]
        found[forward.node.name] = (float(forward.node.value), *tangents, float(reverse.adjoint))
    return found


def test_trace_of_the_exponential(load):
    """Every node of x1 exp(-(x1^2 + x2^2)/2) at (2, 1/2): value, d/dx1, d/dx2, adjoint."""
    e = np.exp(-17 / 8)
    expected = {
        "x1": (2, 1, 0, -3 * e),
        "x2": (0.5, 0, 1, -e),
        "v1": (4, 4, 0, -e),  # x1^2
        "v2": (0.25, 0, 1, -e),  # x2^2
        "v3": (4.25, 4, 1, -e),
        "v4": (-4.25, -4, -1, e),
        "v5": (-17 / 8, -2, -0.5, 2 * e),
        "v6": (e, -2 * e, -0.5 * e, 2),
        "f": (2 * e, -3 * e, -e, 1),
    }
    found = rows_of(load("trace_exponential").data())
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        assert found[name] == pytest.approx(row, rel=1e-14), name


def test_trace_of_the_logarithm(load):
    """Every node of w2 log w1 + sqrt(w2 log w1) at (3, 2)."""
    log, s = np.log(3.0), np.sqrt(2 * np.log(3.0))
    half = 1 / (2 * s)
    expected = {
        "w1": (3, 1, 0, 2 / 3 * (1 + half)),
        "w2": (2, 0, 1, log * (1 + half)),
        "v1": (log, 1 / 3, 0, 2 * (1 + half)),
        "v2": (2 * log, 2 / 3, log, 1 + half),
        "v3": (s, 2 / 3 * half, log * half, 1),
        "L": (2 * log + s, 2 / 3 * (1 + half), log * (1 + half), 1),
    }
    found = rows_of(load("trace_logarithm").data())
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        assert found[name] == pytest.approx(row, rel=1e-14), name


def test_dual_numbers(load):
    data = load("dual_numbers").data()
    assert data["duals"]["x"]["f"] == (42.0, 24.0) and data["duals"]["y"]["f"] == (42.0, 10.0)
    assert data["duals"]["x"]["x²"] == (9.0, 6.0) and data["duals"]["y"]["x² y"] == (36.0, 9.0)
    for seed, nodes in data["duals"].items():
        assert {name: tuple(dual) for name, dual in nodes.items()} == data["jvp"][seed]


def test_narrow_waist(load):
    data = load("narrow_waist").data(sizes=(6, 12))
    x, t = np.linspace(-1.0, 1.0, 6), np.linspace(0.0, 1.0, 6)
    a, b = np.sum(np.sin(x)), np.mean(x**2)
    left = np.stack([-t * np.sin(t * a), -t * np.cos(t * a)], axis=1) * np.exp(-t * b)[:, None]
    exact = left @ np.stack([np.cos(x), x / 3])
    for J in data["jacobians"].values():
        np.testing.assert_allclose(J, exact, rtol=1e-13, atol=1e-16)


# the derivative is a program -------------------------------------------------------------------------------------


def test_extended_graph(load):
    data = load("extended_graph").data()
    x1, x2 = data["points"].T
    e = np.exp(-(x1**2 + x2**2) / 2)
    np.testing.assert_allclose(data["gradients"], np.stack([(1 - x1**2) * e, -x1 * x2 * e], axis=1), atol=1e-15)
    mixed = (x1**2 - 1) * x2 * e
    hessian = np.array([[(x1**3 - 3 * x1) * e, mixed], [mixed, (x1 * x2**2 - x1) * e]]).transpose(2, 0, 1)
    np.testing.assert_allclose(data["second"], hessian, atol=1e-15)
    before, after = data["equations"]
    assert before < after <= 5 * before
    svg = load("extended_graph").picture(data)
    for node in data["explanation"].nodes:
        assert node.name in svg


def test_gradient_of_gradient(load):
    data = load("gradient_of_gradient").data()
    np.testing.assert_allclose(data["values"], data["exact"], atol=1e-12)
    at = lambda x: mpmath.sin(x) * mpmath.exp(-x / 5)
    assert data["values"][6][30] == pytest.approx(float(mpmath.diff(at, data["x"][30], 6)), rel=1e-8)
    assert np.all(np.diff(data["recorded"]) > 0) and np.all(np.less_equal(data["simplified"], data["recorded"]))


def test_structures(load):
    data = load("structures").data()
    for name, seen in data["seen"].items():
        start, slope, fitted = data["start"][name], data["gradient"][name], data["fitted"][name]
        width2 = np.exp(2 * start["log width"])
        np.testing.assert_allclose(slope["mean"], (start["mean"] - seen.mean(axis=0)) / width2 / 2, rtol=1e-12)
        z2 = np.mean((seen - start["mean"]) ** 2, axis=0) / width2
        np.testing.assert_allclose(slope["log width"], (1 - z2) / 2, rtol=1e-12)
        np.testing.assert_allclose(fitted["mean"], seen.mean(axis=0), rtol=1e-4)
        np.testing.assert_allclose(np.exp(fitted["log width"]), seen.std(axis=0), rtol=1e-4)


def test_feed_forward(load):
    pytest.importorskip("sklearn")
    data = load("feed_forward").data()
    for k, (row, w_bar) in enumerate(zip(data["rows"], data["whole"], strict=True)):
        assert row["v"].shape == row["v_bar"].shape and row["w"].shape == row["w_bar"].shape == w_bar.shape
        np.testing.assert_allclose(row["w_bar"], w_bar, rtol=1e-12, atol=1e-15, err_msg=f"layer {k}")
    # The last layer by hand: dL/dz = (softmax - one-hot) / b, dL/dw = v' dL/dz.
    module, last = load("feed_forward"), data["rows"][-1]
    _, y = module.digits()
    z = last["v"] @ last["w"]
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    p[np.arange(module.BATCH), y[: module.BATCH]] -= 1
    np.testing.assert_allclose(last["w_bar"], last["v"].T @ p / module.BATCH, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(last["v_bar"], p @ last["w"].T / module.BATCH, rtol=1e-12, atol=1e-15)
    assert data["accuracy"][-1] > 0.9


def test_linear_algebra(load):
    module = load("linear_algebra")
    data = module.data()
    A, y = np.stack([np.ones(12), data["t"]], axis=1), data["y"]
    inverse = np.linalg.inv(A.T @ A)
    np.testing.assert_allclose(data["in y"], (inverse @ A.T)[1], rtol=1e-12)
    # dw = (A'A)^-1 (dA' r - A' dA w), with dA = dt in the second column.
    w, r = inverse @ A.T @ y, y - A @ inverse @ A.T @ y
    np.testing.assert_allclose(data["in t"], inverse[1, 1] * r - (inverse @ A.T)[1] * w[1], rtol=1e-10, atol=1e-14)
    B, E = module.matrices()
    u, s, vt = np.linalg.svd(B, full_matrices=False)
    np.testing.assert_allclose(data["values"], s, rtol=1e-14)
    np.testing.assert_allclose(data["slopes"], np.sum(u * (E @ vt.T), axis=0), rtol=1e-12)


def test_implicit_solutions(load):
    module = load("implicit_solutions")
    data = module.data()
    a, y, slope = data["points"].T
    np.testing.assert_allclose(y**3 - y, a, atol=1e-12)
    np.testing.assert_allclose(slope, 1.0 / (3.0 * y**2 - 1.0), rtol=1e-10)
    assert [np.sign(s) for s in slope] == [1, 1, 1, -1, -1, 1, 1, 1]
    # The period is 4 K(sin(theta_0 / 2)); in closed form theta = 2 arcsin(k sn(K - t)), differentiated by differences.
    at = [40, 110, 200]

    def closed(first, t):
        k = mpmath.sin(first / 2)
        return 2 * mpmath.asin(k * mpmath.ellipfun("sn", mpmath.ellipk(k**2) - t, m=k**2))

    for i in at:
        t = data["t"][i]
        assert data["angles"][i] == pytest.approx(float(closed(2.5, t)), abs=1e-7)
        exact = mpmath.diff(lambda first, t=t: closed(first, t), 2.5)
        assert data["tangents"][i] == pytest.approx(float(exact), rel=1e-6)


def test_bilevel(load):
    """Ridge in closed form; a layer's gradient by differences; the stiff fit against SciPy's solver."""
    module = load("bilevel")
    data = module.data()
    A, b, B, c = module.samples()

    def error(log_penalty):
        w = np.linalg.solve(A.T @ A + np.exp(log_penalty) * np.eye(12), A.T @ b)
        return np.mean((B @ w - c) ** 2) / np.var(c)

    curve = data["curves"]["square error, ridge"]
    np.testing.assert_allclose(curve["values"], [error(q) for q in data["grid"]], rtol=1e-9)
    slopes = [(error(q + 1e-5) - error(q - 1e-5)) / 2e-5 for q in data["at"]]
    np.testing.assert_allclose(curve["slopes"], slopes, rtol=1e-6, atol=1e-10)
    assert all(curve["f"](curve["best"]) <= v for curve in data["curves"].values() for v in curve["values"])

    p, x = data["layer"], 0.3
    W = p["W"] / np.sqrt(1.0 + np.sum(p["W"] ** 2))
    z = module.equilibrium(p, x)
    np.testing.assert_allclose(z, np.tanh(W @ z + p["U"] * x + p["c"]), atol=1e-12)
    assert data["errors"][-1] < 1e-4 < data["errors"][0]

    fit = data["fit"]
    assert (np.abs(fit["rates"] - np.log(module.RATES)) < 3.0 * fit["errors"]).all()
    q = np.exp(fit["rates"])
    f = lambda t, y: np.array([-1, 1, 0]) * (q[0] * y[0] - q[1] * y[1] * y[2]) + np.array([0, -1, 1]) * q[2] * y[1] ** 2
    found = scipy.integrate.solve_ivp(f, (0, 1e4), [1, 0, 0], "LSODA", module.TIMES, rtol=1e-9, atol=1e-13).y.T
    np.testing.assert_allclose(
        module.concentrations(fit["rates"], module.TIMES) * module.SCALES, found * module.SCALES, atol=1e-4
    )


def test_orders(load):
    module = load("orders")
    data = module.data()
    np.testing.assert_allclose(data["by nesting"], data["by series"][module.NESTED], rtol=1e-10)

    def f(x):
        for k in range(6):
            x = mpmath.sin(x) * mpmath.mpf(0.9) + mpmath.exp(-x * x) / (mpmath.mpf(1.5) + k)
        return x

    with mpmath.workdps(60):
        coefficients = mpmath.taylor(f, mpmath.mpf(module.POINT), 20)
        want = [float(c * mpmath.factorial(k)) for k, c in enumerate(coefficients)]
    np.testing.assert_allclose(data["by series"], want, rtol=1e-9)
    assert np.ptp(np.diff(data["series"], 2)[1:]) == 0  # n^2
    assert np.all(data["nested"][1:] > 2.5 * data["nested"][:-1])  # exponential


# curvature and memory --------------------------------------------------------------------------------------------


def test_hutchinson(load):
    module = load("hutchinson")
    data = module.data()
    x, h = np.linspace(-1.0, 1.0, module.N), 1e-4
    second = [(module.f(x + h * e) - 2 * module.f(x) + module.f(x - h * e)) / h**2 for e in np.eye(module.N)]
    assert data["trace"] == pytest.approx(sum(second), rel=1e-5)
    rms = np.sqrt(np.mean(data["errors"] ** 2, axis=0))
    np.testing.assert_allclose(rms, data["theory"], rtol=0.35)
    slope = np.polyfit(np.log(module.SAMPLES), np.log(rms), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.06)


def test_hessian_spectrum(load):
    """Extreme eigenvalues by Lanczos with differences of gradients; after training none is far below zero."""
    pytest.importorskip("sklearn")
    from scipy.sparse.linalg import LinearOperator, eigsh

    import wengert as wg

    module = load("hessian_spectrum")
    data = module.data()
    x, y = module.digits()
    gradient = wg.jit(wg.grad(lambda weights: module.loss(weights, x, y)))
    for name in ("before", "after"):
        weights = data[name]["weights"]
        H = wg.curvature.hessian(lambda w: module.loss(w, x, y), weights)
        at, g = H.flat(weights), lambda w, H=H: H.flat(gradient(H.tree(w)))
        n, h = H.n, 1e-4
        second = lambda v, at=at, g=g, h=h: (g(at + h * np.ravel(v)) - g(at - h * np.ravel(v))) / (2 * h)
        ends = eigsh(LinearOperator((n, n), second, dtype=float), 2, which="BE", v0=np.ones(n), tol=1e-6)[0]
        np.testing.assert_allclose(data[name]["ends"], ends, atol=1e-3 * ends[1])
    (low, high), (low_after, high_after) = data["before"]["ends"], data["after"]["ends"]
    assert low < -0.1 * high and low_after > -0.01 * high_after
    assert data["loss"][-1] < 1e-3 < 1 < data["loss"][0]


def test_newton_cg(load):
    """The gradient by hand at the weights found; quadratic convergence; descent, and what both have spent."""
    module = load("newton_cg")
    data = module.data()
    features, labels = module.problem()
    by_hand = lambda w: (-labels / (1 + np.exp(labels * (features @ w)))) @ features / module.SAMPLES + 2e-4 * w
    assert np.linalg.norm(by_hand(data["w"])) < 2 * module.TOLERANCE
    spent, sizes = data["newton"].T
    assert sizes[0] == pytest.approx(np.linalg.norm(by_hand(np.zeros(module.WEIGHTS))))
    assert np.all(np.diff(np.log(sizes[-4:])) < -4) and spent[-1] < 600  # faster and faster
    w, (_, slow) = np.zeros(module.WEIGHTS), data["descent"].T
    step = 1 / (np.linalg.norm(features, 2) ** 2 / (4 * module.SAMPLES) + 2e-4)  # at 0 every sample curves by 1/4
    for k in range(50):
        assert slow[k] == pytest.approx(np.linalg.norm(by_hand(w)), rel=1e-6)
        w = w - step * by_hand(w)
    assert slow[-1] > 1e6 * sizes[-1] and len(slow) == 2 * spent[-1]


def test_checkpointing(load):
    module = load("checkpointing")
    data = module.data()
    np.testing.assert_allclose(data["slopes"], data["slopes"][[0]] * np.ones((len(data["every"]), 1)), rtol=1e-12)
    rows = data["bytes"] / (8 * module.SIZE)
    assert rows[0] == pytest.approx(module.ROUNDS, rel=0.02)
    theory = 2 * module.ROUNDS / data["every"][1:] + data["every"][1:]
    np.testing.assert_allclose(rows[1:], theory, rtol=0.15)
    # The adjoints of the loop by hand, backwards through stored rounds.
    xs, x, v = [], np.linspace(0.1, 2.0, module.SIZE), np.zeros(module.SIZE)
    for _ in range(module.ROUNDS):
        xs.append(x)
        v = v - 0.01 * (np.sin(x) + 0.1 * v)
        x = x + 0.01 * v
    x_bar, v_bar = np.sin(x), v
    for x in reversed(xs):
        v_bar = v_bar + 0.01 * x_bar
        x_bar, v_bar = x_bar - 0.01 * np.cos(x) * v_bar, 0.999 * v_bar
    np.testing.assert_allclose(data["slopes"][0], x_bar, rtol=1e-9)


def test_gpt2(load):
    """The figures of ZeRO, section 3.2, for 1.5 billion parameters; a plan within 8 GB; a tiny one in fact."""
    module = load("gpt2")
    c = module.CONFIGS["1.5B"]
    count = [0]
    module.each(lambda _, shape: count.append(math.prod(shape)), module.shapes(c))
    assert sum(count) == 1_557_611_200  # of OpenAI's gpt2-xl
    data = module.data()
    plan = data["plan"]
    assert data["zero"] == 12 * 1600 * 32 * 1024 * 48 * 2 == pytest.approx(60.4e9, rel=1e-3)
    assert data["scores"] == 48 * 25 * 32 * 1024**2 * 2
    assert plan.kept <= 8e9 and plan.extra <= 0.33
    # Exactly: 14 values (q, k, v in one array, heads, two sums, twice 4 of the GELU ...), the weights, the logits.
    assert data["zero"] < plan.unlimited_kept - data["scores"] < 1.5 * data["zero"]
    # Operations of a forward run: 24 h^2 + 4 s h for a token and layer, 2 h V for the logits.
    products = 32 * 1024 * (48 * (24 * 1600**2 + 4 * 1024 * 1600) + 2 * 1600 * 50257)
    assert plan.forward == pytest.approx(products, rel=0.02)
    losses = data["losses"]
    assert losses[0] == pytest.approx(np.log(128), rel=0.03) and np.mean(losses[-5:]) < 0.72 * losses[0]
    assert np.all(data["measured"] <= data["planned"]) and np.all(np.diff(data["measured"]) < 0)
    _, _, zero, scores, planned, measured = data["law"].T
    np.testing.assert_allclose(measured, planned, rtol=0.1)
    # A layer more: ZeRO's 12 values, the scores, and what that count leaves out, as in the plan above.
    for more, fewer in ((3, 1), (4, 3)):
        counted = (zero + scores)[more] - (zero + scores)[fewer]
        assert 1 < (measured[more] - measured[fewer]) / counted < 1.8
    assert measured[2] - measured[1] == pytest.approx(2 * (measured[1] - measured[0]), rel=0.05)


# optimisation ----------------------------------------------------------------------------------------------------


def test_optimisers(load):
    data = load("optimisers").data()
    for name, (result, path) in data.items():
        assert result.fun <= result.values[0] and np.all(np.isfinite(path)), name
    assert data["L-BFGS"][0].fun < 1e-12 and data["Adam"][0].fun < 1e-6 and data["momentum"][0].fun < 1e-6
    assert data["momentum"][0].fun < data["descent, step 0.001"][0].fun


def test_two_point(load):
    data = load("two_point").data()
    x, y = load("two_point").POINT
    c = 0.25 * np.cos(x * y)
    np.testing.assert_allclose(data["gradient"], [x + c * y, 2 * y + c * x], rtol=1e-14)
    np.testing.assert_allclose(data["multi"], data["gradient"], atol=1e-8)
    # Every estimate lies on the circle with the diameter 2 grad L: |G - grad| = |grad|.
    radius = np.linalg.norm(data["draws"] - data["gradient"], axis=1)
    np.testing.assert_allclose(radius, np.linalg.norm(data["gradient"]), rtol=1e-6)
    d, moment = data["moments"].T
    np.testing.assert_allclose(moment, d, rtol=0.25)


def test_multidimensional_scaling(load):
    data = load("multidimensional_scaling").data()
    n = data["variables"]
    assert n == 2 * len(data["names"]) == 36
    assert 0.4 * n < data["steps"]["two-point"] / data["steps"]["gradient"] < 2.5 * n
    error = {name: np.sqrt(np.mean(np.sum((W - data["truth"]) ** 2, axis=1))) for name, W in data["maps"].items()}
    assert error["gradient"] < 100 < 500 < error["two-point"]  # km
    # The minimum, by scipy with finite differences of a loss written anew.
    import scipy.optimize

    module = load("multidimensional_scaling")
    _, distances, _ = module.places()
    D = distances**2 / np.mean(distances**2)

    def loss(w):
        W = w.reshape(-1, 2)
        return sum(((W[i] - W[j]) @ (W[i] - W[j]) - D[i, j]) ** 2 for i in range(len(W)) for j in range(len(W)))

    assert data["best"].fun == pytest.approx(loss(data["best"].x.ravel()), rel=1e-9)
    slopes = scipy.optimize.approx_fprime(data["best"].x.ravel(), loss)
    assert np.max(abs(slopes)) < 1e-5


def test_rates(load):
    module = load("rates")
    data = module.data()
    for name in ("convex", "strongly convex"):
        for run, bound in data["bounds"][name].items():
            assert np.all(data[name][run][1:] <= bound[1:] + 1e-12), (name, run)
    k = data["k"]
    early = (k > 5) & (k < 100)
    slope = lambda values: np.polyfit(np.log(k[early]), np.log(values[early]), 1)[0]
    assert -1.0 < slope(data["convex"]["gradient"]) < -0.4  # before the chain's end is felt: 1/sqrt(k), the worst case
    tail = data["strongly convex"]["gradient"][100:300]
    assert np.all(tail[1:] / tail[:-1] <= (1 - module.MU / module.L) + 1e-6)


def test_curse_of_dimension(load):
    data = load("curse_of_dimension").data(sizes=(4, 16, 64))
    steps, calls = data["steps"], data["calls"]
    np.testing.assert_array_equal(steps[0], steps[1])  # multi-point descent is gradient descent
    assert np.ptp(steps[0]) <= 4
    np.testing.assert_allclose(steps[2] / steps[0], data["n"], rtol=0.5)
    np.testing.assert_array_equal(calls[1], 2 * data["n"] * (steps[1] + 1))
    # Gradient descent on a quadratic, by its closed form.
    for n, found in zip(data["n"], steps[0], strict=True):
        scales = np.linspace(1.0, 4.0, int(n))
        gap = [np.sum(scales * (1 - scales / 4) ** (2 * k)) / np.sum(scales) for k in range(40)]
        assert found == np.argmax(np.array(gap) <= 1e-3)
