"""What a benchmark reports of its samples, and when it fails."""

import pytest

from benchmarks.latencies import Comparison, Latencies

YARDSTICK = Latencies("bare", tuple(float(number) for number in range(1, 101)))


def test_the_median_and_the_95th_percentile_lie_between_the_samples_around_them() -> None:
    assert YARDSTICK.p50 == pytest.approx(50.5)
    assert YARDSTICK.p95 == pytest.approx(95.05)


def test_six_round_trips_are_allowed_and_more_are_not() -> None:
    six = Latencies("six", tuple(6 * seconds for seconds in YARDSTICK.seconds))
    seven = Latencies("seven", tuple(7 * seconds for seconds in YARDSTICK.seconds))

    assert Comparison(YARDSTICK, (six,)).faults == []
    assert Comparison(YARDSTICK, (six, seven)).faults == ["seven: p95 is 7.0 round trips; at most 6 are allowed."]


def test_rows_tell_ratios_beside_times() -> None:
    double = Latencies("double", tuple(2 * seconds for seconds in YARDSTICK.seconds))
    first, second = Comparison(YARDSTICK, (double,)).rows()

    assert (first["what"], first["p95_multiple"], first["p50_ms"]) == ("bare", 1.0, 50_500.0)
    assert second["p95_in_medians"] == pytest.approx(2 * 95.05 / 50.5, abs=0.01)
    assert (second["samples"], second["p50_multiple"], second["p95_multiple"]) == (100, 2.0, 2.0)
