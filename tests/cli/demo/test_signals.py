import signal

import pytest

from oneai.cli.demo.signals import Signals

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@BOTH
def test_each_ends_the_demo(number: signal.Signals) -> None:
    with Signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


@BOTH
def test_one_that_comes_while_held_back_is_raised_at_the_end(number: signal.Signals) -> None:
    done = []

    def started_and_registered(signals: Signals) -> None:
        with signals.held():
            signal.raise_signal(number)
            done.append("registered")

    with Signals() as signals, pytest.raises(KeyboardInterrupt):
        started_and_registered(signals)
    assert done == ["registered"]


@BOTH
def test_while_it_is_being_ended_another_one_does_nothing(number: signal.Signals) -> None:
    with Signals() as signals:
        signals.pass_over()
        signal.raise_signal(number)


def test_afterwards_they_do_what_they_did_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
