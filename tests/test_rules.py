"""The rules of every primitive: tests generated from the registry. What is checked stands in rules_checks.py."""

import importlib
import pkgutil

import pytest

import wengert
from rules_cases import cases
from rules_checks import CHECKS
from wengert.core.primitive import REGISTRY

for module in pkgutil.walk_packages(wengert.__path__, "wengert."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

# Primitives that cannot be sampled, each with its reason.
WITHOUT_SAMPLES = {
    "rounds": "part of batched loops: the length of its result depends on values; tested with them",
    "print": "an effect without results; tested in python/test_effects.py",
    "check": "an effect without results; tested in python/test_effects.py",
    "assume": "an assertion without results; its evaluation and its error are tested in test_programs.py",
}

# (check, primitive): the reason why the check does not apply.
EXEMPT: dict[tuple[str, str], str] = {
    ("complex_arguments", "abs"): "of a complex number it is not holomorphic; NumPy's abs is complex_abs there",
    **{
        ("complex_step", name): "SciPy rounds the imaginary part relative to the modulus" for name in ("shichi", "sici")
    },
    **{
        ("half_precision", name): "computed in another precision than its arguments'; the layer above converts these"
        for name in (
            *("beta_density", "beta_tail", "gamma_density", "gamma_tail", "kn", "yn", "lu", "defective"),
            *("mathieu_cem", "mathieu_sem", "mathieu_modcem1", "mathieu_modcem2", "mathieu_modsem1", "mathieu_modsem2"),
            *("matrix_function", "matrix_function_slope"),
        )
    },
    **{
        ("extended_precision", name): "LAPACK has no longdouble"
        for name in ("lu", "matrix_function", "matrix_function_slope")
    },
    ("complex_step", "expi"): "on the real line SciPy takes the mean of the two sides of the branch cut",
}

MISSING = [p.name for p in REGISTRY.values() if p.samples is None and p.name not in WITHOUT_SAMPLES]
if MISSING:
    raise RuntimeError(f"primitives without samples: {', '.join(MISSING)}. Give each `samples=`, or exempt it here")

PRIMITIVES = sorted(name for name, p in REGISTRY.items() if p.samples is not None)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", PRIMITIVES)
def test_rule(name: str, check: str) -> None:
    """One check of one primitive on all of its samples."""
    if (check, name) in EXEMPT:
        pytest.skip(EXEMPT[check, name])
    for k, case in enumerate(cases(REGISTRY[name])):
        try:
            CHECKS[check](case)
        except Exception as error:
            error.add_note(f"{name}, sample {k}: {case.sample}")
            raise


@pytest.mark.parametrize(("check", "name"), EXEMPT)
def test_exemptions_are_needed(check: str, name: str) -> None:
    """An exemption of what would pass is an error."""
    failed = 0
    for case in cases(REGISTRY[name]):
        try:
            CHECKS[check](case)
        except Exception:
            failed += 1
    assert failed, "this passes; take it from the list"


def test_primitives_without_samples_have_none() -> None:
    """And exist."""
    for name in WITHOUT_SAMPLES:
        assert REGISTRY[name].samples is None
