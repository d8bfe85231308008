"""How a job shows on a terminal: one line that moves, or plain lines where there is no terminal."""

import shutil
import time
from dataclasses import dataclass, field
from typing import TextIO

from studio.jobs import Job

BAR_CHARS = 20
PLAIN_S = 10.0  # a plain line at least so often, while a step lasts
TITLES = {"queued": "waiting in the queue", "waiting": "waiting for you"}


@dataclass(slots=True)
class Console:
    """Shows the progress of one job."""

    stream: TextIO
    _step: str = field(default="", init=False)
    _written_s: float = field(default=0.0, init=False)
    _open: bool = field(default=False, init=False)  # a moving line is on the terminal

    def show(self, job: Job) -> None:
        """Show the job as it stands; called as often as it changes."""
        if not self.stream.isatty():
            self._plain(job)
        elif job.finished:
            self.close()
        else:
            width = shutil.get_terminal_size().columns
            self._write(f"\r\033[K{_moving(job)[: width - 1]}")
            self._open = True

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self.close()
        self._write(f"{printable(text)}\n")

    def close(self) -> None:
        """Take the moving line away."""
        if self._open:
            self._write("\r\033[K")
            self._open = False

    def _plain(self, job: Job) -> None:
        if not job.step and (
            job.finished or job.position == 1
        ):  # it never began, or does in a moment
            return
        step = f"{job.step_n}/{job.step_m} {job.step}" if job.step else _state(job)
        now = time.monotonic()
        if step != self._step:
            self._write(f"{step}\n")
        elif now - self._written_s >= PLAIN_S and not job.finished:
            self._write(f"{step}:{_items(job)} {job.fraction:.0%}{_left(job)}\n")
        else:
            return
        self._step, self._written_s = step, now

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def printable(text: str) -> str:
    """Return `text` without what could move a terminal's cursor or break a line."""
    return "".join(each if each.isprintable() else "?" for each in text)


def clock(seconds: float) -> str:
    """Return a duration as 1:02:03 or 2:03."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _moving(job: Job) -> str:
    if not job.step:
        return _state(job)
    full = round(job.fraction * BAR_CHARS)
    bar = "#" * full + "-" * (BAR_CHARS - full)
    step = f"{job.step_n}/{job.step_m} {job.step}{_items(job)}"
    return f"[{bar}] {job.fraction:4.0%}  {step}  {clock(job.elapsed_s)}{_left(job)}"


def _state(job: Job) -> str:
    place = f" (number {job.position})" if job.position > 1 else ""
    return TITLES.get(job.state, "starting") + place


def _items(job: Job) -> str:
    return f" {job.item} of {job.items}," if job.items > 1 else ""


def _left(job: Job) -> str:
    return "" if job.eta_s is None else f", about {clock(job.eta_s)} left"
