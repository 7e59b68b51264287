"""The playhead: which recorded step is shown, and how it moves as time goes by."""

from __future__ import annotations

from babygpt.studio.playback import Playback

# A training is played in about so many seconds, but never slower than so many steps a second.
SECONDS, SLOWEST = 4.0, 12.0
SPEEDS = (0.1, 1e6)
# A playhead that is moved twice within so many seconds is dragged, until it has not been moved for as long.
REST = 0.25
# A step that is due within so many seconds is shown: a clock's rounding must not keep the playhead from it.
HAIR = 1e-4


class Playhead:
    """Moves through the recorded steps as time goes by.

    Attributes
    ----------
    step
        The step shown.
    playing
        Whether the playhead moves by itself. Where nothing is recorded yet it waits for the training.
    dragged
        Whether someone moves it again and again.
    speed
        Steps a second; None follows the training.
    """

    def __init__(self) -> None:
        self.step, self.playing, self.dragged = 0, False, False
        self.speed: float | None = SLOWEST
        self._chosen = False
        self._position = 0.0  # between two recorded steps the earlier one is shown
        self._clock: float | None = None  # when the position was last brought up to date
        self._moved = False  # by someone, and the clock has not been looked at since
        self._rests: float | None = None  # when it is at rest, unless it is moved again

    def choose_speed(self, speed: float | None) -> None:
        """Play at this speed, whatever the training."""
        self.speed = None if speed is None else min(max(speed, SPEEDS[0]), SPEEDS[1])
        self._chosen = True

    def keep_pace_of(self, other: Playhead) -> None:
        """Play as fast as another plays, if someone chose how fast that is."""
        if other._chosen:
            self.choose_speed(other.speed)

    def suit(self, steps: int) -> None:
        """Choose a speed for so many steps, unless someone has chosen."""
        if not self._chosen:
            self.speed = max(SLOWEST, steps / SECONDS)

    def move_to(self, step: int) -> None:
        """Show a recorded step; stop playing."""
        self.step, self.playing = step, False

    def drag_to(self, step: int) -> None:
        """Show a recorded step, which someone chose and may choose again soon."""
        self.move_to(step)
        self.dragged, self._moved = self._moved or self._rests is not None, True

    def play(self) -> None:
        """Begin to move, at once: the next step is due now."""
        if not self.playing:
            self.playing, self._position, self._clock = True, self.step + 1.0, None

    def advance(self, now: float, playback: Playback, training: bool) -> None:
        """Move as far as it should be by now, or as far as there is something to show."""
        if self._moved:
            self._moved, self._rests = False, now + REST
        elif self._rests is not None and now >= self._rests:
            self.dragged, self._rests = False, None
        if not self.playing:
            return
        last = playback.recorded[-1]
        if self.speed is None:
            self._position = last
        elif self._clock is not None:
            self._position += self.speed * (now - self._clock)
        self._clock = now
        self._position = min(self._position, last + 1.0)  # what it waits for is shown as soon as it is there
        self.step = max(self.step, playback.nearest(self._position + HAIR * (self.speed or 0.0)))
        if not training and playback.after(self.step) is None:
            self.playing = False

    def due(self, now: float, playback: Playback) -> float | None:
        """Return when it moves next, or comes to rest; None if it waits."""
        if not self.playing:
            return now if self._moved else self._rests
        if self.speed is None or self._clock is None:
            return now
        following = playback.after(self.step)
        return None if following is None else max(now, self._clock + (following - self._position) / self.speed)
