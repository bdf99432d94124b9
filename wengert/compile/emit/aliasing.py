"""What LLVM is told about stacks that grow: they overlap with nothing, though their addresses are read from memory.

Each stack is a scope of memory accesses; every other access says that it belongs to none of them. Without this, a loop
over lanes that writes a few stacks is not vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import Buffer

MOST = 32  # stacks; the lists are as long as there are pairs of them
DOMAIN, NONE = 10, 11  # numbers of metadata, see module.py: all scopes; "none of the stacks"


class Scopes:
    """Notes on the accesses of one program's memory."""

    def __init__(self, stacks: Sequence[Buffer] = ()) -> None:
        self.number = {b: 12 + 3 * k for k, b in enumerate(stacks)} if len(stacks) <= MOST else {}

    def note(self, buffer: Buffer) -> str:
        """What is added to a load or a store."""
        if not self.number or buffer.kind == "local":
            return ""
        k = self.number.get(buffer)
        return f", !noalias !{NONE}" if k is None else f", !alias.scope !{k + 1}, !noalias !{k + 2}"

    def text(self) -> str:
        """The metadata. Of each stack: its scope, a list of that scope alone, a list of all others."""
        if not self.number:
            return ""
        scopes = [f"!{k}" for k in self.number.values()]
        lines = [f"!{DOMAIN} = distinct !{{!{DOMAIN}}}", f"!{NONE} = !{{{', '.join(scopes)}}}"]
        for k, scope in zip(self.number.values(), scopes, strict=True):
            others = ", ".join(s for s in scopes if s != scope)
            lines += [
                f"{scope} = distinct !{{{scope}, !{DOMAIN}}}",
                f"!{k + 1} = !{{{scope}}}",
                f"!{k + 2} = !{{{others}}}",
            ]
        return "\n".join(lines) + "\n"
