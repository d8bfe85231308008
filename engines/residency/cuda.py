"""A CUDA device: buffers of torch's caching allocator, copies on a stream of their own.

Weights come from pinned memory on the copy stream; the loader thread waits for each copy's event,
so that whoever sees a chunk as settled may use it on any stream. A buffer that is given back may
still be read by kernels that were queued: `record_stream` keeps the allocator from giving it out
before they are done.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from engines.residency.chunks import Chunk

if TYPE_CHECKING:
    import torch

CONTEXT_BYTES = 1 << 30  # CUDA's own, kernels, fragments
REGISTERED = 0  # cudaSuccess


def register(address: int, nbytes: int) -> str:
    """Pin memory for all of CUDA; return why that failed, or ""."""
    import torch  # noqa: PLC0415 - heavy

    if not torch.cuda.is_available():
        return "there is no CUDA device"
    try:
        runtime = cast("Any", torch.cuda.cudart())
        status = runtime.cudaHostRegister(address, nbytes, 0)
    except RuntimeError as error:
        return f"{nbytes:,} bytes could not be pinned: {error}"
    code = int(status)
    return "" if code == REGISTERED else f"{nbytes:,} bytes could not be pinned (CUDA error {code})"


@dataclass(slots=True)
class CudaDevice:
    """One GPU.

    Args:
        device: which.
        budget_bytes: how much weights and activations may take.
        stream: on which weights are copied.
    """

    device: "torch.device"
    budget_bytes: int
    stream: "torch.cuda.Stream"
    name: str
    in_place: bool = False
    live_bytes: int = 0

    @classmethod
    def open(cls, budget_bytes: int = 0, index: int = 0) -> "CudaDevice | None":
        """Return the GPU, or None where torch finds none.

        Args:
            budget_bytes: 0: what is free now, less CUDA's own needs.
            index: which GPU.
        """
        import torch  # noqa: PLC0415 - heavy

        if not torch.cuda.is_available():
            return None
        device = torch.device("cuda", index)
        free, _ = torch.cuda.mem_get_info(device)
        budget = budget_bytes or max(0, free - CONTEXT_BYTES)
        name = torch.cuda.get_device_name(device)
        return cls(device, budget, torch.cuda.Stream(device), name)

    def capacity_bytes(self) -> int:
        """Return the budget."""
        return self.budget_bytes

    def torch_device(self) -> "torch.device":
        """Return its name for torch."""
        return self.device

    def alloc(self, nbytes: int) -> "torch.Tensor":
        """Return a buffer.

        Raises:
            MemoryError: if the GPU has no room, whoever took it.
        """
        import torch  # noqa: PLC0415 - heavy

        try:
            with torch.cuda.stream(self.stream):
                buffer = torch.empty(nbytes, dtype=torch.uint8, device=self.device)
        except torch.cuda.OutOfMemoryError as error:
            raise MemoryError(str(error)) from error
        self.live_bytes += nbytes
        return buffer

    def free(self, buffer: "torch.Tensor") -> None:
        """Take a buffer back, safe from kernels that are still queued."""
        import torch  # noqa: PLC0415 - heavy

        buffer.record_stream(torch.cuda.default_stream(self.device))
        self.live_bytes -= buffer.numel()

    def fill(self, buffer: "torch.Tensor", chunk: Chunk, source: Any) -> None:
        """Copy a chunk from the host, and wait for it; asynchronous only from pinned memory."""
        import torch  # noqa: PLC0415 - heavy

        del chunk
        done = torch.cuda.Event()
        with torch.cuda.stream(self.stream):
            buffer.copy_(source.tensor, non_blocking=True)
            done.record(self.stream)
        done.synchronize()

    def activation_peak_bytes(self) -> int:
        """Return the most that was allocated beside weights since the last call."""
        import torch  # noqa: PLC0415 - heavy

        peak = torch.cuda.max_memory_allocated(self.device) - self.live_bytes
        torch.cuda.reset_peak_memory_stats(self.device)
        return max(0, peak)

    def empty_cache(self) -> None:
        """Give unused blocks back to the GPU."""
        import torch  # noqa: PLC0415 - heavy

        torch.cuda.empty_cache()

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Tell whether the GPU's or the host's memory ran out."""
        import torch  # noqa: PLC0415 - heavy

        return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError)
