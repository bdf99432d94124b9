"""One process for one library: builds a case, hands back its gradient, times it when asked."""

from __future__ import annotations

import multiprocessing as mp
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import timing


def _serve(shown: str, pipe: Connection) -> None:
    """Answer ("gradient", i), ("time", i) and ("ratio", i), for case number i, until None comes."""
    timing.pin()
    from benchmarks.cases import CASES
    from benchmarks.libraries import LIBRARIES

    library, built = LIBRARIES[shown](), {}
    while (request := pipe.recv()) is not None:
        what, i = request
        try:
            if i not in built:
                f, args = CASES[i].build(library)
                built.clear()  # one case in memory at a time
                built[i] = library.gradient(f, *args), library.primal(f, *args)
            gradient, primal = built[i]
            if what == "gradient":
                answer = library.numpy(gradient())
            elif what == "time":
                answer = timing.seconds_per_call(gradient)
            else:
                answer = timing.seconds_per_call(gradient), timing.seconds_per_call(primal)
            pipe.send((True, answer))
        except Exception as error:
            pipe.send((False, f"{type(error).__name__}: {str(error).splitlines()[0]}"))


class Worker:
    """The parent's end of a library's process."""

    def __init__(self, shown: str) -> None:
        context = mp.get_context("spawn")  # nothing of this process is inherited but the environment
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=_serve, args=(shown, end), daemon=True)
        self._process.start()
        end.close()

    def ask(self, what: str, case: int) -> Any:
        """The answer; RuntimeError if it failed."""
        self._pipe.send((what, case))
        try:
            worked, answer = self._pipe.recv()
        except EOFError:
            raise RuntimeError("the process ended") from None
        if not worked:
            raise RuntimeError(answer)
        return answer

    def close(self) -> None:
        if self._process.is_alive():
            self._pipe.send(None)
        self._process.join(10)
