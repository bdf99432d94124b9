"""Random stacks of transformations against a hundred digits: values, and compiled values.

More of them: python -m tests.test_random_transformations FIRST LAST
"""

import sys
import warnings

import mpmath
import numpy as np
import pytest

import wengert as wg
from random_transformations import DIGITS, exact, random_function

GROUPS = 10


def check(seed: int) -> None:
    """Both as it is and compiled, a random function gives what its law says."""
    f, x = random_function(seed)
    with mpmath.workdps(DIGITS):
        expected = f.truth(exact(x)).astype(float)
    if not np.all(np.isfinite(expected)) or np.max(np.abs(expected)) > 1e6:
        return
    scale = 1e-8 * max(1.0, np.max(np.abs(expected)))
    kept = x.copy()
    np.testing.assert_allclose(f.ours(x), expected, rtol=1e-8, atol=scale, err_msg=f"{seed}: {f.name}")
    np.testing.assert_array_equal(x, kept)
    if "sparse" not in f.name and "trace" not in f.name:
        compiled = wg.jit(f.ours)(x)
        np.testing.assert_allclose(compiled, expected, rtol=1e-8, atol=scale, err_msg=f"{seed}, compiled: {f.name}")


@pytest.mark.parametrize("seed", [115, 147, 156, 175])
def test_what_has_failed_before(seed: int) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        check(seed)


@pytest.mark.parametrize("group", range(GROUPS))
def test_stacks(group: int) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for seed in range(4 * group, 4 * group + 4):
            check(seed)


def main(first: int, last: int) -> None:
    """Look for failures."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for seed in range(first, last):
        try:
            check(seed)
        except Exception as error:
            print(seed, type(error).__name__, " ".join(str(error).split())[:400], flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
