"""What makes the program start sooner."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def keeping_everything() -> Generator[None, None, None]:
    """Look for no garbage in the block: while modules and the page are made, nearly all of it stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
