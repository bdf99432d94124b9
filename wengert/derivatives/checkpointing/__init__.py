"""Checkpointing: schedules of what reverse mode keeps of a loop, and what it runs again."""

from .loops import Binomial, Plan, binomial

__all__ = ["Binomial", "Plan", "binomial"]
