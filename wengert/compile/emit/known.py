"""What a function that is being written knows: loads, addresses and indices that hold where it is."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..loops.ir import Buffer


class Known(dict[Any, Any]):
    """Values by keys; a key that begins with a buffer is about an element of it.

    The keys of each buffer are kept together, so that what a store changes is found without a look at all others.
    """

    __slots__ = ("of",)

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[Buffer, set[Any]] = {}

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        if type(key[0]) is Buffer:
            self.of.setdefault(key[0], set()).add(key)

    def forget(self, key: Any) -> None:
        """It does not hold any more."""
        if self.pop(key, None) is not None and type(key[0]) is Buffer:
            self.of[key[0]].discard(key)

    def elements(self, buffer: Buffer) -> Collection[Any]:
        """The keys of a buffer's elements."""
        return tuple(self.of.get(buffer, ()))

    def forget_all(self, buffers: Collection[Buffer]) -> None:
        """Nothing is known of these buffers any more."""
        for buffer in buffers:
            for key in self.of.pop(buffer, ()):
                del self[key]

    def copy(self) -> Known:
        """The same, apart."""
        made = Known()
        made.update(self)
        made.of = {buffer: set(keys) for buffer, keys in self.of.items()}
        return made

    def without(self, buffers: Collection[Buffer]) -> Known:
        """The same, apart, but for what concerns these buffers."""
        made = self.copy()
        made.forget_all(buffers)
        return made
