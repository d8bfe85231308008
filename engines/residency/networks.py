"""An engine's networks as chunks of bytes: their tensors are views that can be pointed elsewhere.

The modules are made once, by the engine; after that only bytes move. Buffers (rotary tables and the
like, also those that are in no file) travel with the parameters. Tied tensors are one tensor.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from engines.residency.chunks import SMALLEST, Chunk, ChunkId, Model, Tensor, aligned, pack

if TYPE_CHECKING:
    import torch
    from torch.utils.hooks import RemovableHandle


@dataclass(slots=True)
class _Shared:
    """One stretch of bytes, and every place in the modules that shows it."""

    names: list[str]  # by which the modules know it
    original: "torch.Tensor"  # kept for its shape; its bytes are let go when packed
    flat: "torch.Tensor | None"  # the bytes, in the order of memory, until they are packed
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: "torch.dtype"
    nbytes: int
    parameters: list["torch.nn.Parameter"] = field(default_factory=list["torch.nn.Parameter"])
    buffers: list[tuple["torch.nn.Module", str]] = field(
        default_factory=list[tuple["torch.nn.Module", str]]
    )

    @property
    def name(self) -> str:
        """Its first name."""
        return self.names[0]

    def point(self, data: "torch.Tensor") -> None:
        """Show `data` everywhere."""
        for parameter in self.parameters:
            parameter.data = data
        for module, name in self.buffers:
            module._buffers[name] = data  # pyright: ignore[reportPrivateUsage] - register_buffer would forget that it is not persistent

    def view(self, buffer: "torch.Tensor", offset: int) -> "torch.Tensor":
        """Return the tensor that lies in `buffer` at `offset`."""
        part = buffer[offset : offset + self.nbytes].view(self.dtype)
        return part.as_strided(self.shape, self.stride, part.storage_offset())


class Networks:
    """The networks of one engine.

    Args:
        key: the engine.
        networks: by name, on the CPU.
        smallest: bytes of a chunk that is worth its own transfer.
    """

    def __init__(
        self, key: str, networks: Mapping[str, "torch.nn.Module"], smallest: int = SMALLEST
    ) -> None:
        self.modules = dict(networks)
        self._shared = {each.name: each for each in _collect(networks)}
        self._blocks = _blocks(networks)
        tensors = [
            Tensor(each.name, each.nbytes, self._block(each)) for each in self._shared.values()
        ]
        self.model: Model = pack(key, tensors, smallest)
        self._hooks: list[RemovableHandle] = []
        self._after: list[RemovableHandle] = []

    def pack(self, chunk: Chunk, buffer: "torch.Tensor") -> None:
        """Copy the chunk's tensors into `buffer` and let their own memory go."""
        import torch  # noqa: PLC0415 - heavy

        nothing: dict[torch.dtype, torch.Tensor] = {}
        for each in chunk.tensors:
            shared = self._shared[each.name]
            if shared.flat is not None:
                buffer[each.offset : each.offset + each.nbytes].copy_(shared.flat)
            shared.flat = None
            shared.original = nothing.setdefault(shared.dtype, torch.empty(0, dtype=shared.dtype))
            shared.point(shared.original)

    def attach(self, chunk: Chunk, buffer: "torch.Tensor") -> None:
        """Let the chunk's tensors show the bytes of `buffer`."""
        for each in chunk.tensors:
            shared = self._shared[each.name]
            shared.point(shared.view(buffer, each.offset))

    def detach(self, chunk: Chunk, device: "torch.device | None" = None) -> None:
        """Let the chunk's tensors show nothing: using them is an error, not a wrong result.

        Args:
            chunk: whose tensors.
            device: where the nothing shall be, as engines look there for where to compute.
        """
        for each in chunk.tensors:
            shared = self._shared[each.name]
            shared.point(shared.original if device is None else shared.original.to(device))

    def stream(self, chunks: Mapping[ChunkId, Chunk], use: Callable[[Chunk], None]) -> None:
        """Call `use` with a chunk before a block of it computes, until `unstream`."""
        users = [(each, block) for each in chunks.values() for block in each.block.split("|")]
        for chunk, block in users:
            self._hooks.append(
                self._blocks[block].register_forward_pre_hook(_before(chunk, use), prepend=True)
            )

    @contextmanager
    def handing(self, done: Callable[[Chunk], None]) -> Generator[None, None, None]:
        """Call `done` with a chunk after the last block of it has computed, in the `with` block."""
        for chunk in self.model.chunks:
            if chunk.block:
                block = self._blocks[chunk.block.split("|")[-1]]
                self._after.append(block.register_forward_hook(_after(chunk, done)))
        try:
            yield
        finally:
            while self._after:
                self._after.pop().remove()

    def unstream(self) -> None:
        """Take the hooks of `stream` away."""
        while self._hooks:
            self._hooks.pop().remove()

    def _block(self, shared: _Shared) -> str:
        """Return the block that alone uses those bytes, or ""."""
        blocks = {
            next((each for each in self._blocks if name.startswith(f"{each}.")), "")
            for name in shared.names
        }
        return blocks.pop() if len(blocks) == 1 else ""

    def original(self, name: str) -> "torch.Tensor | None":
        """Return a tensor's bytes as they were loaded, flat, until it is packed."""
        return self._shared[name].flat


def _before(chunk: Chunk, use: Callable[[Chunk], None]) -> Callable[[Any, Any], None]:
    def hook(_module: Any, _given: Any) -> None:
        use(chunk)

    return hook


def _after(chunk: Chunk, done: Callable[[Chunk], None]) -> Callable[[Any, Any, Any], None]:
    def hook(_module: Any, _given: Any, _made: Any) -> None:
        done(chunk)

    return hook


def total_bytes(networks: Mapping[str, "torch.nn.Module"]) -> int:
    """Return the bytes of all parameters and buffers, tied ones once."""
    return sum(aligned(each.nbytes) for each in _collect(networks))


def _collect(networks: Mapping[str, "torch.nn.Module"]) -> list[_Shared]:
    found: dict[tuple[Any, ...], _Shared] = {}
    for name, tensor, module, own in _tensors(networks):
        data = tensor.detach()
        key = (data.data_ptr(), tuple(data.shape), tuple(data.stride()), data.dtype)
        if not data.numel():
            key = (*key, name)
        shared = found.get(key)
        if shared is None:
            shared = found[key] = _share(data)
        shared.names.append(name)
        if module is None:
            if not any(each is tensor for each in shared.parameters):
                shared.parameters.append(tensor)
        else:
            shared.buffers.append((module, own))
    return list(found.values())


def _tensors(
    networks: Mapping[str, "torch.nn.Module"],
) -> Iterator[tuple[str, Any, "torch.nn.Module | None", str]]:
    """Yield (name, tensor, module of a buffer or None, name in it)."""
    for network, whole in networks.items():
        for path, module in _modules(whole):
            prefix = f"{network}.{path}." if path else f"{network}."
            for own, parameter in module.named_parameters(recurse=False):
                yield prefix + own, parameter, None, own
            for own, buffer in module.named_buffers(recurse=False):
                yield prefix + own, buffer, module, own


def _modules(whole: "torch.nn.Module") -> "list[tuple[str, torch.nn.Module]]":
    return list(cast("Iterator[tuple[str, torch.nn.Module]]", whole.named_modules()))


def _share(data: "torch.Tensor") -> _Shared:
    import torch  # noqa: PLC0415 - heavy

    span = 1 + sum(
        (size - 1) * stride for size, stride in zip(data.shape, data.stride(), strict=True)
    )
    if span != data.numel():  # expanded or with gaps: laid out plainly
        data = data.contiguous()
    flat = data.as_strided((data.numel(),), (1,)).view(torch.uint8)
    shape, stride = tuple(data.shape), tuple(data.stride())
    return _Shared([], data, flat, shape, stride, data.dtype, flat.numel())


def _blocks(networks: Mapping[str, "torch.nn.Module"]) -> dict[str, "torch.nn.Module"]:
    """Return the outermost members of module lists: they compute one after the other."""
    from torch.nn import ModuleList  # noqa: PLC0415 - heavy

    found: dict[str, torch.nn.Module] = {}
    for network, whole in networks.items():
        lists = [path for path, each in _modules(whole) if isinstance(each, ModuleList)]
        outer = [
            path
            for path in lists
            if not any(path.startswith(f"{other}.") for other in lists if other != path)
        ]
        for path in outer:
            for number, block in whole.get_submodule(path).named_children():
                found[f"{network}.{path}.{number}"] = block
    return found
