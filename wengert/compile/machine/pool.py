"""Threads of native code: a loop's rounds are cut into chunks, which the caller and other threads take one by one.

    i32 pool.run(task, pack, n, chunks)     task(pack, first round, rounds, number of the chunk) for each chunk
    i64 pool.chunks()                       how many chunks there should be

The cuts depend on n and on the number of threads, and so does the result, whoever has taken which chunk: the caller
takes all where the others sleep too long, are busy with a call of another Python thread, or cannot be had. Threads wait
for work a little while awake, then asleep; they are made when first needed, and again in a process that was forked.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys

from ...errors import StructureError
from . import cache, llvm
from .lapack import set_threads as set_library_threads
from .symbols import provides

MOST = 64  # threads, and chunks
PATIENCE = 4000  # looks at a flag before a thread falls asleep: some ten microseconds
PAUSES = {
    "x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "AMD64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "aarch64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"),
    "arm64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"),
}
PAUSE = PAUSES.get(platform.machine(), ("", ""))

CHUNKS_EACH = 4  # chunks for each thread: who wakes up late leaves more to the others

# fields of the pool
BUSY, GENERATION, TASK, PACK, ROUNDS, CHUNKS, NEXT, CODES = range(8)
OPEN, ACTIVE, WORKERS, THREADS, MUTEX, WORK, DONE, SEEN = range(8, 16)


def field(name: str, k: int) -> str:
    """The address of a field of the pool."""
    return f"%{name} = getelementptr %Pool, ptr @pool, i64 0, i32 {k}"


TEXT = f"""
; busy, generation, task, pack, rounds, chunks, next chunk, codes, open, active threads, threads made, threads wanted,
; mutex, there is work, work is done, the generations that threads have seen
%Pool = type {{ i64, i64, ptr, ptr, i64, i64, i64, ptr, i64, i64, i64, i64,
  [16 x i64], [16 x i64], [16 x i64], [{MOST} x i64] }}
@pool = internal global %Pool zeroinitializer, align 64

declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i64 @llvm.umin.i64(i64, i64)
{PAUSE[0]}

; chunk k of the rounds: equal parts, of a multiple of 8 rounds where there are many
define internal void @chunk(ptr %task, ptr %pack, i64 %n, i64 %chunks, ptr %codes, i64 %k) {{
  %up = add i64 %chunks, -1
  %n.up = add i64 %n, %up
  %part = udiv i64 %n.up, %chunks
  %part.7 = add i64 %part, 7
  %part.8 = and i64 %part.7, -8
  %many = icmp ugt i64 %part, 64
  %step = select i1 %many, i64 %part.8, i64 %part
  %begin.k = mul i64 %k, %step
  %begin = call i64 @llvm.umin.i64(i64 %begin.k, i64 %n)
  %rest = sub i64 %n, %begin
  %rounds = call i64 @llvm.umin.i64(i64 %rest, i64 %step)
  %code = call i32 %task(ptr %pack, i64 %begin, i64 %rounds, i64 %k)
  %code.at = getelementptr i32, ptr %codes, i64 %k
  store i32 %code, ptr %code.at
  ret void
}}

; chunks, until none is left
define internal void @take(ptr %task, ptr %pack, i64 %n, i64 %chunks, ptr %codes) {{
entry:
  {field("next.at", NEXT)}
  br label %claim
claim:
  %k = atomicrmw add ptr %next.at, i64 1 acq_rel
  %some = icmp ult i64 %k, %chunks
  br i1 %some, label %run, label %end
run:
  call void @chunk(ptr %task, ptr %pack, i64 %n, i64 %chunks, ptr %codes, i64 %k)
  br label %claim
end:
  ret void
}}

define internal ptr @worker(ptr %argument) {{
entry:
  %k = ptrtoint ptr %argument to i64
  %seen.at = getelementptr %Pool, ptr @pool, i64 0, i32 {SEEN}, i64 %k
  {field("generation", GENERATION)}
  {field("open.at", OPEN)}
  {field("active.at", ACTIVE)}
  {field("mutex", MUTEX)}
  {field("work", WORK)}
  {field("done", DONE)}
  {field("task.at", TASK)}
  {field("pack.at", PACK)}
  {field("n.at", ROUNDS)}
  {field("chunks.at", CHUNKS)}
  {field("codes.at", CODES)}
  br label %next

next:
  %seen = load i64, ptr %seen.at
  br label %awake

awake:
  %looks = phi i64 [ 0, %next ], [ %looks.1, %again ]
  %g.0 = load atomic i64, ptr %generation acquire, align 8
  %new.0 = icmp ne i64 %g.0, %seen
  br i1 %new.0, label %enter, label %again

again:
  {PAUSE[1]}
  %looks.1 = add i64 %looks, 1
  %patient = icmp ult i64 %looks.1, {PATIENCE}
  br i1 %patient, label %awake, label %enter

enter:
  call i32 @pthread_mutex_lock(ptr %mutex)
  br label %look

look:
  %g = load atomic i64, ptr %generation monotonic, align 8
  %new = icmp ne i64 %g, %seen
  br i1 %new, label %found, label %sleep

sleep:
  call i32 @pthread_cond_wait(ptr %work, ptr %mutex)
  br label %look

found:
  store i64 %g, ptr %seen.at
  %open = load i64, ptr %open.at
  %late = icmp eq i64 %open, 0
  br i1 %late, label %leave, label %join

leave:
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %next

join:
  %active = load atomic i64, ptr %active.at monotonic, align 8
  %active.more = add i64 %active, 1
  store atomic i64 %active.more, ptr %active.at monotonic, align 8
  %task = load ptr, ptr %task.at
  %pack = load ptr, ptr %pack.at
  %n = load i64, ptr %n.at
  %chunks = load i64, ptr %chunks.at
  %codes = load ptr, ptr %codes.at
  call i32 @pthread_mutex_unlock(ptr %mutex)
  call void @take(ptr %task, ptr %pack, i64 %n, i64 %chunks, ptr %codes)
  call i32 @pthread_mutex_lock(ptr %mutex)
  %active.now = load atomic i64, ptr %active.at monotonic, align 8
  %active.less = sub i64 %active.now, 1
  store atomic i64 %active.less, ptr %active.at release, align 8
  call i32 @pthread_cond_signal(ptr %done)
  br label %leave
}}

define internal i32 @run(ptr %task, ptr %pack, i64 %n, i64 %chunks) {{
entry:
  %codes = alloca i32, i64 {MOST}
  %thread = alloca i64
  {field("busy", BUSY)}
  {field("generation", GENERATION)}
  {field("next.at", NEXT)}
  {field("open.at", OPEN)}
  {field("active.at", ACTIVE)}
  {field("mutex", MUTEX)}
  {field("work", WORK)}
  {field("done", DONE)}
  {field("workers.at", WORKERS)}
  {field("threads.at", THREADS)}
  %threads = load atomic i64, ptr %threads.at monotonic, align 8
  %alone = icmp ule i64 %chunks, 1
  br i1 %alone, label %in.turn, label %enter

enter:
  %swapped = cmpxchg ptr %busy, i64 0, i64 1 acquire monotonic
  %free = extractvalue {{ i64, i1 }} %swapped, 1
  br i1 %free, label %hire, label %in.turn

hire:
  %workers = load i64, ptr %workers.at
  %k.new = add i64 %workers, 1
  %enough = icmp uge i64 %k.new, %threads
  br i1 %enough, label %publish, label %make

make:
  %g.now = load i64, ptr %generation
  %seen.at = getelementptr %Pool, ptr @pool, i64 0, i32 {SEEN}, i64 %k.new
  store i64 %g.now, ptr %seen.at
  %argument = inttoptr i64 %k.new to ptr
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %argument)
  %made = icmp eq i32 %failed, 0
  br i1 %made, label %hired, label %publish

hired:
  %id = load i64, ptr %thread
  call i32 @pthread_detach(i64 %id)
  store i64 %k.new, ptr %workers.at
  br label %hire

publish:
  call i32 @pthread_mutex_lock(ptr %mutex)
  {field("task.at", TASK)}
  store ptr %task, ptr %task.at
  {field("pack.at", PACK)}
  store ptr %pack, ptr %pack.at
  {field("n.at", ROUNDS)}
  store i64 %n, ptr %n.at
  {field("chunks.at", CHUNKS)}
  store i64 %chunks, ptr %chunks.at
  {field("codes.at", CODES)}
  store ptr %codes, ptr %codes.at
  store atomic i64 0, ptr %next.at monotonic, align 8
  store i64 1, ptr %open.at
  %g = load i64, ptr %generation
  %g.next = add i64 %g, 1
  store atomic i64 %g.next, ptr %generation release, align 8
  call i32 @pthread_cond_broadcast(ptr %work)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  call void @take(ptr %task, ptr %pack, i64 %n, i64 %chunks, ptr %codes)
  br label %awake

awake:
  %looks = phi i64 [ 0, %publish ], [ %looks.1, %again ]
  %left = load atomic i64, ptr %active.at acquire, align 8
  %all = icmp eq i64 %left, 0
  br i1 %all, label %close, label %again

again:
  {PAUSE[1]}
  %looks.1 = add i64 %looks, 1
  %patient = icmp ult i64 %looks.1, {PATIENCE}
  br i1 %patient, label %awake, label %close

close: ; nobody may join any more
  call i32 @pthread_mutex_lock(ptr %mutex)
  store i64 0, ptr %open.at
  br label %look

look:
  %working = load atomic i64, ptr %active.at acquire, align 8
  %none = icmp eq i64 %working, 0
  br i1 %none, label %ran, label %sleep

sleep:
  call i32 @pthread_cond_wait(ptr %done, ptr %mutex)
  br label %look

ran:
  call i32 @pthread_mutex_unlock(ptr %mutex)
  store atomic i64 0, ptr %busy release, align 8
  br label %first.code

in.turn:
  br label %turn

turn:
  %t = phi i64 [ 0, %in.turn ], [ %t.next, %turn ]
  call void @chunk(ptr %task, ptr %pack, i64 %n, i64 %chunks, ptr %codes, i64 %t)
  %t.next = add i64 %t, 1
  %t.all = icmp eq i64 %t.next, %chunks
  br i1 %t.all, label %first.code, label %turn

first.code: ; of what went wrong, in the order of the rounds
  %c = phi i64 [ 0, %ran ], [ 0, %turn ], [ %c.next, %fine ]
  %c.at = getelementptr i32, ptr %codes, i64 %c
  %code = load i32, ptr %c.at
  %c.next = add i64 %c, 1
  %wrong = icmp ne i32 %code, 0
  br i1 %wrong, label %end, label %fine

fine:
  %c.all = icmp eq i64 %c.next, %chunks
  br i1 %c.all, label %end, label %first.code

end:
  ret i32 %code
}}

define internal i64 @chunks() {{
  {field("threads.at", THREADS)}
  %n = load atomic i64, ptr %threads.at monotonic, align 8
  %several = mul i64 %n, {CHUNKS_EACH}
  %bounded = call i64 @llvm.umin.i64(i64 %several, i64 {MOST})
  %one = icmp eq i64 %n, 1
  %result = select i1 %one, i64 1, i64 %bounded
  ret i64 %result
}}

@parts = constant [3 x ptr] [ptr @run, ptr @chunks, ptr @pool]

define ptr @wengert_pool() {{
  ret ptr @parts
}}
"""


class Pool:
    """The native pool of this process, and where its state is."""

    def __init__(self) -> None:
        code, _ = cache.found_or_made(TEXT, lambda: llvm.quick_code(TEXT))
        address, self.library = llvm.loaded(code, {}, "wengert_pool")
        parts = ctypes.CFUNCTYPE(ctypes.c_size_t)(address)()
        self.run, self.chunks, state = (ctypes.c_size_t * 3).from_address(parts)
        self.state = (ctypes.c_int64 * (MUTEX + 3 * 16 + MOST)).from_address(state)
        self.begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.begin)

    def begin(self) -> None:
        """No threads yet, no work. In a forked process the parent's threads are not there."""
        ctypes.memset(self.state, 0, ctypes.sizeof(self.state))
        libc = ctypes.CDLL(None)
        first = ctypes.addressof(self.state) + 8 * MUTEX
        libc.pthread_mutex_init(ctypes.c_void_p(first), None)
        libc.pthread_cond_init(ctypes.c_void_p(first + 128), None)
        libc.pthread_cond_init(ctypes.c_void_p(first + 256), None)
        self.state[THREADS] = get_threads()


@functools.cache
def pool() -> Pool:
    """The pool, made when the first program with loops for several threads is loaded."""
    return Pool()


def available() -> bool:
    """Has this system the threads that the pool is made of?"""
    return sys.platform != "win32" and hasattr(ctypes.CDLL(None), "pthread_create")


@provides("pool")
def _find(name: str) -> int:
    return {"run": pool().run, "chunks": pool().chunks}[name]


# the number of threads -----------------------------------------------------------------------------------------------
_wanted: list[int] = []  # what was set, else nothing


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_threads() -> int:
    """How many threads compiled programs use: what was set, else WENGERT_NUM_THREADS, else the cores there are."""
    if _wanted:
        return _wanted[0]
    named = os.environ.get("WENGERT_NUM_THREADS", "")
    n = int(named) if named.isdecimal() and int(named) > 0 else cores()
    return min(n, MOST) if available() else 1


def set_threads(n: int) -> None:
    """Let compiled programs use n threads, in loops that are long enough and in BLAS and LAPACK.

    Results do not depend on how threads are scheduled; with another n sums may be rounded otherwise.

    >>> import wengert as wg
    >>> wg.set_threads(1)
    >>> wg.get_threads()
    1
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise StructureError(
            f"set_threads got {n!r}",
            why="it is the number of threads that compiled programs use",
            write="wg.set_threads(1) for one thread, wg.set_threads(2) for two",
        )
    _wanted[:] = [min(n, MOST) if available() else 1]
    if pool.cache_info().currsize:
        pool().state[THREADS] = _wanted[0]
    set_library_threads(_wanted[0])
