"""The clock is set while cameras run: nobody takes that for a silent detector."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blurcam.runtime.status import CameraStatus
from blurcam.serve.camera_health import judge
from blurcam.serve.health import is_moving
from blurcam.serve.steady_times import SteadyTimes
from blurcam.serve.systemd import Notifier
from blurcam.serve.watchdog import Watchdog
from tests.support.clocks import HandClock

DAY = 86_400.0


@pytest.mark.parametrize("step", [8 * DAY, -8 * DAY, 90.0, -90.0])
def test_a_step_of_the_clock_between_two_answers_is_no_silence(step: float) -> None:
    clock = HandClock()
    status = CameraStatus(
        name="door", state="live", since=clock.wall() - 60, last_detection=clock.wall() - 0.2
    )
    times = SteadyTimes(clock)
    assert times.of((status,)) == (status,)
    clock.was_set = step
    clock.now += 1
    (steady,) = times.of((status,))
    judged = judge(steady, clock.wall())
    assert judged.is_redacting
    assert steady.last_detection == pytest.approx(clock.wall() - 1.2)
    assert steady.since == pytest.approx(clock.wall() - 61)
    # A detector that then stays silent is told in time, by whatever clock.
    clock.now += 5
    (silent,) = times.of((status,))
    assert not judge(silent, clock.wall()).is_redacting
    answered = replace(status, last_detection=clock.wall())
    assert times.of((answered,))[0].last_detection == clock.wall()


class Heard(Notifier):
    def __init__(self) -> None:
        super().__init__({})
        self.interval = 1.0
        self.fed = 0

    def watchdog(self) -> None:
        self.fed += 1


@pytest.mark.parametrize("step", [8 * DAY, -8 * DAY])
def test_systemd_does_not_end_a_service_that_starts_while_the_time_comes(step: float) -> None:
    """A box boots in 1970, and its cameras take a while to start: the watchdog went hungry."""
    clock, heard = HandClock(), Heard()
    watchdog = Watchdog(heard, clock)
    starting = CameraStatus(name="door", state="starting", since=clock.wall())
    watchdog.tick((starting,))
    clock.was_set = step
    assert not is_moving((starting,), clock.wall())
    for _ in range(30):
        clock.now += 1
        watchdog.tick((starting,))
    assert heard.fed == 31
    clock.now += 120
    watchdog.tick((starting,))
    assert heard.fed == 31, "and one that hangs is ended all the same"


def test_what_is_known_of_a_camera_goes_with_it() -> None:
    clock = HandClock()
    times = SteadyTimes(clock)
    status = CameraStatus(name="door", state="live", since=clock.wall())
    times.of((status,))
    times.of(())
    clock.was_set = 3600
    again = replace(status, since=clock.wall())
    assert times.of((again,)) == (again,)
