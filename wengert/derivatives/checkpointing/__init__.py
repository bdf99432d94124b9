"""Checkpointing: schedules of what reverse mode keeps of a loop, and what it runs again."""

from . import budget
from .loops import Binomial, Plan, binomial

__all__ = ["Binomial", "Plan", "binomial", "budget"]
