"""What every test shares."""

import os
import sys
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache"
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MPLCONFIGDIR", str(CACHE / "matplotlib"))
os.environ.setdefault("WENGERT_CACHE_DIR", str(CACHE / "code"))
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(CACHE / "hypothesis"))

import hypothesis
import numpy as np
import pytest

# The same examples in every run, so that a failure is about the change and not about the draw.
# To look for new ones: pytest --hypothesis-profile explore
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture
def rng() -> np.random.Generator:
    """A random generator that starts alike in every test."""
    return np.random.default_rng(1964)


@pytest.fixture(autouse=True)
def closed_figures():
    """No figure of one test stays open in the next."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
