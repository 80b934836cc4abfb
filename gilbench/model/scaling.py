"""Whether a call scales with threads, compared with what the host gives.

Times are seconds, shares are 0 to 1.
"""

from __future__ import annotations

from gilbench.model.releases import Answer
from gilbench.model.study import Amount, Case, Count, Fraction, Positive, Seconds, Struct


class Scaling(Struct, frozen=True):
    """The speedup of a call on several threads over one thread, on one interpreter. None: not measured."""

    code: str  # package.module:function, or a statement
    threads: Positive
    at_least: Fraction  # smallest share of the host's gain that is a yes
    answer: Answer  # n/a: the host cannot tell, or there is one thread
    case: Case | None = None  # with several threads
    speedup: Amount | None = None
    lo: Amount | None = None  # 95% interval
    hi: Amount | None = None
    host: Amount | None = None  # speedup that the host gives to processes in C on the same CPUs
    required: Amount | None = None  # smallest speedup that is a yes
    seconds: Seconds | None = None  # length of the call on one thread
    blocks: Count = 0
    remark: str | None = None  # why it is so, in one sentence
