"""least_cut against all subsets of vertices of small random graphs."""

import itertools

import numpy
import pytest

from wengert.transforms.least_cut import least_cut


def parted(removed, before, sources, sinks):
    """Is no sink reached from a source, when these vertices are removed?"""
    reached = set()
    for v in sorted(before):  # predecessors come first
        if v not in removed and (v in sources or any(a in reached for a in before[v])):
            reached.add(v)
    return not reached & set(sinks)


@pytest.mark.parametrize("seed", range(40))
def test_against_all_subsets(seed):
    rng = numpy.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    before = {v: [a for a in range(v) if rng.random() < 0.4] for v in range(n)}
    sources = [v for v in range(n) if not before[v] or rng.random() < 0.2]
    sinks = sorted({n - 1, int(rng.integers(n))})
    price = {v: int(rng.integers(1, 9)) for v in range(n)}
    subsets = itertools.chain.from_iterable(itertools.combinations(range(n), k) for k in range(n + 1))
    cuts = [set(s) for s in subsets if parted(s, before, sources, sinks)]
    least = min(sum(price[v] for v in s) for s in cuts)
    found = least_cut(price, before, sources, sinks)
    assert parted(found, before, sources, sinks)
    assert sum(price[v] for v in found) == least


def test_next_to_the_sinks():
    """Of cuts that are as cheap, the one next to the sinks: the least is computed again."""
    chain = {0: [], 1: [0], 2: [1], 3: [2]}
    assert least_cut(dict.fromkeys(chain, 8), chain, [0], [3]) == {3}
    assert least_cut({0: 8, 1: 4, 2: 4, 3: 8}, chain, [0], [3]) == {2}
