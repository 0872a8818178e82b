"""The benchmark of reactivation runs and measures something; how long anything takes is no test's business."""

import math

from benchmarks.reactivation import compare
from dev.stack import Stack


async def test_the_benchmark_measures_both_ways_that_money_takes_beside_bare_round_trips(stack: Stack) -> None:
    comparison = await compare(stack, samples=2, warm_ups=1)

    assert len(comparison.yardstick.seconds) == 4, "one before each payment"
    assert [len(path.seconds) for path in comparison.paths] == [2, 2]
    for path in comparison.paths:
        assert math.isfinite(comparison.multiple(path))
        assert comparison.multiple(path) > 0
