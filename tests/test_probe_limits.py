"""The limit of a trial is not lost where errors are swallowed."""

from __future__ import annotations

import gc
import signal
import time

import pytest

from workbench.probes._trial import TooSlow, limited


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def collect_and_burn() -> None:
    gc.collect()
    burn(2)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers of processor time here")
def test_a_limit_within_a_garbage_collection_comes_after_it() -> None:
    def called(phase: str, _: dict[str, int]) -> None:
        burn(0.06 if phase == "start" else 0)

    gc.callbacks.append(called)
    try:
        with pytest.raises(TooSlow), limited(0.02):
            collect_and_burn()
    finally:
        gc.callbacks.remove(called)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers of processor time here")
def test_a_limit_ends_a_long_computation_and_no_short_one() -> None:
    with limited(5):
        burn(0.01)
    with pytest.raises(TooSlow), limited(0.02):
        burn(2)
