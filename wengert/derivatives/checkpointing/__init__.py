"""Checkpointing: schedules of what reverse mode keeps of a loop, and what it runs again."""

from . import budget
from .loops import Binomial, Online, Plan, binomial, online

__all__ = ["Binomial", "Online", "Plan", "binomial", "budget", "online"]
