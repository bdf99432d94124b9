"""Orders that a search found, kept on disk beside the compiler's object code: a machine searches a graph once."""

from __future__ import annotations

import json

from ...compile.machine import cache
from .graph import Graph, Step
from .search import search

VERSION = 1  # of the search: to be raised when it finds others


def searched(graph: Graph, count: str, trials: int, seed: int) -> list[Step]:
    """What `search` finds, from disk where it was found before."""
    asked = VERSION, count, trials, seed, graph.inputs, graph.outputs, graph.signature

    def found() -> bytes:
        return json.dumps(search(graph, count, trials, seed)).encode()

    return [tuple(step) for step in json.loads(cache.found_or_made(f"order of elimination {asked!r}", found)[0])]
