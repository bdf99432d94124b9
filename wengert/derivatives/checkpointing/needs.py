"""Which values of the forward run each adjoint step needs, itself or through its slopes."""

from __future__ import annotations

from .joint import Joint


def needs_of_adjoints(joint: Joint) -> list[set[int]]:
    """For each adjoint step the values of the forward run that it needs, itself or for its slopes."""
    forward = set(joint.forward)
    made_of: dict[int, set[int]] = {v: {v} for k in joint.forward for v in joint.steps[k].makes}
    needs: list[set[int]] = []
    for k, s in enumerate(joint.steps):
        reads = {u for v in s.reads for u in made_of.get(v, ())}
        if k in joint.is_adjoint:
            needs.append(reads)
        elif k not in forward:
            made_of.update((v, reads) for v in s.makes)
    return needs
