"""Plans for small graphs of any form, by an integer programme: the least work within a budget.

The way back is a sequence of stages, the adjoint steps that need the same values. Variables, each 0 or 1: S[t, i], the
value of node i is there when stage t begins; R[t, i], node i is run again in stage t, before its adjoint steps; and
F[t, u, i], the value of u is given up when i has been run, as nobody needs it any more. The least sum of the work of R,
subject to: what a node or an adjoint step reads is there; memory at each place is within the budget. P. Jain and
others, Checkmate: breaking the memory wall with optimal tensor rematerialization (2020), equations 1 to 9, with adjoint
steps as stages. A node is a step with those before it whose values only it uses and no adjoint needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .joint import Joint
from .needs import needs_of_adjoints

LARGEST = 320  # nodes times stages
SECONDS = 5.0


class Node(NamedTuple):
    """Steps that are run together: bytes of their result, and beside it; the nodes that they read and write over."""

    steps: tuple[int, ...]
    size: int
    workspace: int
    weight: float
    reads: tuple[int, ...]
    over: tuple[int, ...]


class Stage(NamedTuple):
    """Adjoint steps (places in joint.adjoints) that need the same nodes; bytes of adjoints before and meanwhile."""

    first: int
    last: int
    needs: frozenset[int]
    waiting: int
    turning: int


class Programme:
    """The nodes and stages of a program, and its integer programme for a budget."""

    def __init__(self, joint: Joint) -> None:
        self.joint = joint
        needs = needs_of_adjoints(joint)
        self.nodes, node_of = contracted(joint, set().union(*needs) | set(joint.y))
        self.stages = stages(joint, [frozenset(node_of[v] for v in x if v in node_of) for x in needs])
        self.users: dict[int, list[int]] = {}
        for i, node in enumerate(self.nodes):
            for u in node.reads:
                self.users.setdefault(u, []).append(i)

    @property
    def small(self) -> bool:
        """Can it be solved in seconds?"""
        return 0 < len(self.nodes) * len(self.stages) <= LARGEST

    def order(self, budget: float | None) -> list[int] | None:
        """The order of steps with the least work within a budget, or without one that with the lowest peak.

        None where there is none, or none was found.
        """
        found = self.solved(None if budget is None else budget - self.joint.base)
        if found is None:
            return None
        order, joint = list(self.joint.forward), self.joint
        for t, stage in enumerate(self.stages):
            held = {v for i, on in enumerate(found[t]) if on for k in self.nodes[i].steps for v in joint.steps[k].makes}
            for i, on in enumerate(found[len(self.stages) + t]):
                if on:
                    order += self.nodes[i].steps
                    held.update(v for k in self.nodes[i].steps for v in joint.steps[k].makes)
            held.update(v for k in joint.adjoints for v in joint.steps[k].makes)
            for place in range(stage.first, stage.last + 1):
                k = joint.adjoints[place]
                joint.bring(joint.steps[k].reads, held, place, order)
                order.append(k)
        return joint.trimmed(order)

    # the programme -----------------------------------------------------------------------------------------------
    def solved(self, room: float | None) -> Any:
        """S and R, one below the other. Without room for bytes, the last variable is what there must be."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix

        n, stages = len(self.nodes), len(self.stages)
        frees = [(t, u, i) for t in range(stages) for i in range(n) for u in self.nodes[i].reads]
        self.free = {key: 2 * stages * n + k for k, key in enumerate(frees)}
        size = 2 * stages * n + len(frees) + (room is None)
        unit = float(self.joint.peak(self.joint.plain))
        within = [({k: x / unit for k, x in row.items()}, used / unit) for row, used in self.memory()]
        if room is None:
            within = [({**row, size - 1: -1}, -used) for row, used in within]
        else:
            within = [(row, room / unit - used) for row, used in within]
        rows = [*self.logic(), *within]
        entries = [(r, c, x) for r, (row, _) in enumerate(rows) for c, x in row.items()]
        r, c, x = map(np.array, zip(*entries, strict=True))
        matrix = csr_matrix((x.astype(float), (r.astype(int), c.astype(int))), (len(rows), size))
        work = np.zeros(size)
        scale = max(node.weight for node in self.nodes) or 1.0
        work[stages * n : 2 * stages * n] = np.tile([node.weight / scale for node in self.nodes], stages)
        if room is None:
            work *= 1e-6 / stages
            work[-1] = 1.0
        found = milp(
            work,
            integrality=np.arange(size) < 2 * stages * n,
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix, -np.inf, [limit for _, limit in rows]),
            options={"time_limit": SECONDS},
        )
        return None if found.x is None else np.round(found.x[: 2 * stages * n]).astype(bool).reshape(2 * stages, n)

    def s(self, t: int, i: int) -> int:
        """The number of the variable S[t, i]."""
        return t * len(self.nodes) + i

    def r(self, t: int, i: int) -> int:
        """The number of the variable R[t, i]."""
        return (len(self.stages) + t) * len(self.nodes) + i

    def logic(self) -> Iterator[tuple[dict[int, float], float]]:
        """Rows (coefficients, limit): what is there, what is needed, what may be given up."""
        last = len(self.stages) - 1
        for t, stage in enumerate(self.stages):
            for i, node in enumerate(self.nodes):
                if t < last:
                    yield {self.s(t + 1, i): 1, self.s(t, i): -1, self.r(t, i): -1}, 0
                if i in stage.needs:
                    yield {self.s(t, i): -1, self.r(t, i): -1}, -1
                for u in node.reads:
                    yield {self.r(t, i): 1, self.s(t, u): -1, self.r(t, u): -1}, 0
                    f = self.free[t, u, i]
                    yield {f: 1, self.r(t, i): -1}, 0
                    if t < last:
                        yield {f: 1, self.s(t + 1, u): 1}, 1
                    if u in stage.needs:
                        yield {f: 1}, 0
                    for j in self.users[u]:
                        if j > i:
                            yield {f: 1, self.r(t, j): 1}, 1

    def memory(self) -> Iterator[tuple[dict[int, float], float]]:
        """Bytes, as (coefficients, constant): of the forward run, of what is run again in a stage, of adjoint steps."""
        for kept, bytes_ in self.forward_run():
            yield {self.s(0, i): float(self.nodes[i].size) for i in kept}, bytes_
        last = len(self.stages) - 1
        for t, stage in enumerate(self.stages):
            now = {self.s(t, i): float(node.size) for i, node in enumerate(self.nodes)}
            for i, node in enumerate(self.nodes):
                row = {**now, self.r(t, i): now.get(self.r(t, i), 0) + node.size + node.workspace}
                if node.over:
                    row[self.free[t, node.over[0], i]] = -float(self.nodes[node.over[0]].size)
                yield row, stage.waiting
                now[self.r(t, i)] = float(node.size)
                now.update({self.free[t, u, i]: -float(self.nodes[u].size) for u in node.reads})
            fixed = stage.turning + sum(self.nodes[i].size for i in stage.needs)
            row = {
                self.s(t + 1, i): float(n.size) for i, n in enumerate(self.nodes) if t < last and i not in stage.needs
            }
            yield row, fixed

    def forward_run(self) -> Iterator[tuple[list[int], float]]:
        """At each place of the forward run the nodes that are there only if kept, and the bytes of all else."""
        joint = self.joint
        profile = joint.profile(joint.forward)
        last = {v: (first, end) for v, first, end in joint.spans(joint.forward)}
        of = {v: i for i, node in enumerate(self.nodes) for v in joint.steps[node.steps[-1]].makes}
        for p, bytes_ in enumerate(profile):
            yield sorted({of[v] for v, (_, end) in last.items() if v in of and end < p}), float(bytes_)


def contracted(joint: Joint, needed: set[int]) -> tuple[list[Node], dict[int, int]]:
    """The nodes of the forward run, and the node that makes each value."""
    uses: dict[int, set[int]] = {}
    for k in joint.forward:
        for v in joint.steps[k].reads:
            uses.setdefault(v, set()).add(k)
    joins: dict[int, int] = {}  # a step whose values only one other step uses
    for k in joint.forward:
        users = set().union(*(uses.get(v, set()) for v in joint.steps[k].makes))
        if len(users) == 1 and not needed & set(joint.steps[k].makes):
            joins[k] = users.pop()
    groups: dict[int, list[int]] = {}
    for k in joint.forward:
        end = k
        while end in joins:
            end = joins[end]
        groups.setdefault(end, []).append(k)
    nodes: list[Node] = []
    node_of: dict[int, int] = {}
    for _, steps in sorted(groups.items(), key=lambda g: joint.forward.index(g[0])):
        node_of.update((v, len(nodes)) for k in steps for v in joint.steps[k].makes)
        nodes.append(node(joint, steps, node_of))
    return nodes, node_of


def node(joint: Joint, steps: Sequence[int], node_of: dict[int, int]) -> Node:
    """Steps as a node."""
    own = {v for k in steps for v in joint.steps[k].makes}
    makes = joint.steps[steps[-1]].makes
    size = sum(joint.sizes[v] for v in makes)
    peak = int(np.max(joint.profile(steps, stays=set(makes)), initial=0))
    reads = dict.fromkeys(node_of[v] for k in steps for v in joint.steps[k].reads if v not in own and v in node_of)
    over = [node_of[v] for v in joint.steps[steps[0]].over if v in node_of] if len(steps) == 1 else []
    return Node(tuple(steps), size, max(peak - size, 0), joint.weight(steps), tuple(reads), tuple(over[:1]))


def stages(joint: Joint, needs: Sequence[frozenset[int]]) -> list[Stage]:
    """The adjoint steps, those together that need no more than the first of them."""
    order = joint.plain
    forward = {v for k in joint.forward for v in joint.steps[k].makes}
    adjoint = joint.profile(order, lambda v: v not in forward) + [joint.steps[k].workspace for k in order]
    where = {k: p for p, k in enumerate(order)}
    found: list[Stage] = []
    begin = len(joint.forward)
    for place, (k, need) in enumerate(zip(joint.adjoints, needs, strict=True)):
        turning = int(np.max(adjoint[begin : where[k] + 1]))
        if found and need <= found[-1].needs:
            last = found.pop()
            found.append(last._replace(last=place, turning=max(last.turning, turning)))
        else:
            waiting = int(adjoint[begin - 1]) if begin > len(joint.forward) else 0
            found.append(Stage(place, place, need, waiting, turning))
        begin = where[k] + 1
    return found
