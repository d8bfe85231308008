"""Where weights compute, and the host's memory they come from.

`CpuDevice` moves bytes for real within a budget, so that everything but CUDA's own calls runs, and
is tested, on any machine. In place (the default of machines without a GPU) it moves nothing: host
and device are one, and only whole engines come and go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engines.residency.arena import Arena, Run
from engines.residency.books import Place
from engines.residency.chunks import Chunk

if TYPE_CHECKING:
    import torch

Reader = Callable[[Chunk, "torch.Tensor"], None]
"""Brings a chunk's bytes from the files into a buffer; raises `OSError`."""


class Device(Place, Protocol):
    """What computes. Its buffers are flat uint8 tensors."""

    name: str
    in_place: bool

    def torch_device(self) -> "torch.device":
        """Return its name for torch."""
        ...

    def activation_peak_bytes(self) -> int:
        """Return the most that was taken beside the weights since the last call; 0: unknown."""
        ...

    def empty_cache(self) -> None:
        """Give back what is held but not used."""
        ...

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Tell whether that is what the error means."""
        ...


@dataclass(slots=True)
class CpuDevice:
    """The processor; its "device memory" is ordinary memory within a budget.

    Args:
        budget_bytes: how much weights may take.
        in_place: nothing is moved, weights compute where they were loaded.
    """

    budget_bytes: int
    in_place: bool = False
    name: str = "cpu"
    live_bytes: int = 0
    peak_bytes: int = 0

    def capacity_bytes(self) -> int:
        """Return the budget."""
        return self.budget_bytes

    def alloc(self, nbytes: int) -> "torch.Tensor":
        """Return a buffer.

        Raises:
            MemoryError: if the budget is used up.
        """
        import torch  # noqa: PLC0415 - heavy

        if self.live_bytes + nbytes > self.budget_bytes:
            raise MemoryError(f"{nbytes:,} bytes beside {self.live_bytes:,} are over the budget")
        buffer = torch.empty(nbytes, dtype=torch.uint8)
        self.live_bytes += nbytes
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)
        return buffer

    def free(self, buffer: "torch.Tensor") -> None:
        """Take a buffer back."""
        self.live_bytes -= buffer.numel()

    def fill(self, buffer: "torch.Tensor", chunk: Chunk, source: Any) -> None:
        """Copy a chunk from the host's buffer."""
        del chunk
        buffer.copy_(source.tensor)

    def torch_device(self) -> "torch.device":
        """Return torch's CPU."""
        import torch  # noqa: PLC0415 - heavy

        return torch.device("cpu")

    def activation_peak_bytes(self) -> int:
        """Return 0: nobody counts what the processor takes."""
        return 0

    def empty_cache(self) -> None:
        """Nothing is cached."""

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Tell whether memory ran out."""
        return isinstance(error, MemoryError) or "not enough memory" in str(error)


@dataclass(frozen=True, slots=True)
class HostBuffer:
    """A stretch of the arena, or ordinary memory where the arena is full."""

    tensor: "torch.Tensor"
    run: Run | None


@dataclass(slots=True)
class HostMemory:
    """The host's memory for weights.

    Args:
        budget_bytes: how much weights may take.
        arena: what is pinned of it.
        reader: reads chunks again that were dropped.
    """

    budget_bytes: int
    arena: Arena
    reader: Reader

    def capacity_bytes(self) -> int:
        """Return the budget."""
        return self.budget_bytes

    def alloc(self, nbytes: int) -> HostBuffer:
        """Return a buffer; ordinary memory where the arena is full.

        Raises:
            MemoryError: if the machine has none left.
        """
        import torch  # noqa: PLC0415 - heavy

        run = self.arena.take(nbytes)
        if run is None or self.arena.memory is None:
            return HostBuffer(torch.empty(nbytes, dtype=torch.uint8), None)
        if nbytes == 0:
            self.arena.give(run)
            return HostBuffer(torch.empty(0, dtype=torch.uint8), None)
        whole = torch.frombuffer(
            self.arena.memory, dtype=torch.uint8, count=nbytes, offset=run.start
        )
        return HostBuffer(whole, run)

    def free(self, buffer: HostBuffer | None) -> None:
        """Take a buffer back; None stands for weights that lie where they were loaded."""
        if buffer is not None and buffer.run is not None:
            self.arena.give(buffer.run)

    def fill(self, buffer: HostBuffer, chunk: Chunk, source: Any) -> None:
        """Read a chunk from the files.

        Raises:
            OSError: if they cannot be read.
        """
        del source
        self.reader(chunk, buffer.tensor)
