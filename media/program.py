"""Other programs that read text and write lines or a file: asked once, within a time limit."""

import os
import shutil
import time
from collections.abc import Mapping, Sequence

from media.tools import Check, follow_program, unchecked
from studio.errors import MissingWeights, ToolFailed


def ask_program(
    arguments: Sequence[str],
    *,
    stdin: str = "",
    timeout_s: float = 60.0,
    check: Check = unchecked,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Run a program to its end and return the lines it wrote to its standard output, stripped.

    Args:
        arguments: program and arguments; user text goes to `stdin` or a file, never here.
        stdin: what the program reads.
        timeout_s: how long it may take.
        check: called ten times a second; may raise `Cancelled`.
        environment: variables set on top of the studio's own.

    Raises:
        MissingWeights: if the program is not on this machine.
        ToolFailed: if it stops with an error or takes too long.
    """
    program = shutil.which(arguments[0])
    if program is None:
        raise MissingWeights(
            f"the program {arguments[0]} is not on this machine", remedy="See ./run.sh doctor."
        )
    deadline_s = time.monotonic() + timeout_s

    def within_time() -> None:
        check()
        if time.monotonic() > deadline_s:
            raise ToolFailed(
                f"{arguments[0]} took longer than {timeout_s:.0f} s",
                remedy="Try again with a shorter text.",
            )

    lines: list[str] = []
    follow_program(
        [program, *arguments[1:]],
        check=within_time,
        on_line=lines.append,
        env={**os.environ, **(environment or {})},
        stdin=stdin,
    )
    return lines
