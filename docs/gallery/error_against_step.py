r"""The error of a difference against its step.

A difference makes two errors. Its formula is cut off: $h |f''|/2$ for the forward difference, $h^2 |f'''|/6$ for the
central one. And the values that it subtracts are rounded, which is divided by the step: $\varepsilon |f| / h$. The
first falls with h, the second rises, and the best that can be had lies between them: about 8 digits forwards, 11
centrally.

The complex step $\operatorname{Im} f(x + ih)/h$ subtracts nothing, and becomes exact for small steps. Automatic
differentiation has no step. The function is $x_1 \exp(-(x_1^2 + x_2^2)/2)$ at (2, 1/2), in the direction of $x_1$.
"""

from typing import Any

import numpy as np
from pictures import BLACK, BLUE, GREEN, GREY, VERMILION, canvas, save

import wengert as wg

POINT = (2.0, 0.5)
EPS = 2.0**-53
FLOOR = 1e-18  # where an error of zero is drawn


def f(x1: Any, x2: Any) -> Any:
    return x1 * np.exp(-(x1**2 + x2**2) / 2)


def data() -> dict[str, Any]:
    """Steps, the error of three methods at each, and the error of forward mode."""
    x1, x2 = POINT
    bell = np.exp(-(x1**2 + x2**2) / 2)
    exact = (1 - x1**2) * bell
    steps = np.logspace(-16, 0, 97)
    errors = {
        method: np.array([abs(float(wg.numeric.directional(f, POINT, (1.0, 0.0), method, h)) - exact) for h in steps])
        for method in ("forward", "central", "complex")
    }
    forward_mode = abs(float(wg.jvp(f, POINT, (1.0, 0.0))[1]) - exact)
    second, third = (x1**3 - 3 * x1) * bell, (-(x1**4) + 6 * x1**2 - 3) * bell
    return {"steps": steps, "errors": errors, "AD": forward_mode, "f": x1 * bell, "f''": second, "f'''": third}


def picture(data: dict[str, Any]) -> Any:
    """Error against step, both logarithmic, with the two laws."""
    figure, ax = canvas(7.2, 4.6)
    h, names = data["steps"], {"forward": "forward difference", "central": "central difference"}
    names["complex"] = "complex step"
    for (method, name), colour in zip(names.items(), (BLUE, VERMILION, GREEN), strict=True):
        ax.loglog(h, np.maximum(data["errors"][method], FLOOR), color=colour, label=name)
    ax.axhline(max(data["AD"], FLOOR), color=BLACK, linestyle=(0, (5, 2)), label="automatic differentiation")
    laws = (
        (h * abs(data["f''"]) / 2, r"$h\,|f''|/2$", (2e-13, 4e-16)),
        (h**2 * abs(data["f'''"]) / 6, r"$h^2\,|f'''|/6$", (3e-4, 1e-11)),
        (EPS * data["f"] / h, r"$\varepsilon\,|f|/h$", (3e-4, 3e-16)),
    )
    for law, label, where in laws:
        ax.loglog(h, law, color=GREY, linewidth=1, linestyle=":")
        ax.text(*where, label, color=GREY)
    ax.set(xlabel="step h", ylabel="error of the derivative", ylim=(FLOOR / 2, 10), xlim=(1e-16, 1))
    ax.set_title("Truncation on the right, rounding on the left")
    ax.legend(loc="upper center")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
