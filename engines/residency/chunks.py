"""Networks cut into chunks: pieces of about equal size, one transformer block each.

Only with equal pieces is eviction by farthest next use optimal: whole models of different sizes cost
up to twice the optimum. Sizes are bytes, places inside a chunk are multiples of `ALIGN`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

ALIGN = 256  # what CUDA's allocator gives: kernels choose by alignment
SMALLEST = 32 << 20  # bytes below which a piece is not worth a transfer of its own
LARGEST = 1 << 30


@dataclass(frozen=True, slots=True, order=True)
class ChunkId:
    """One chunk of one model."""

    model: str
    index: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A parameter or buffer by its name in the networks, and where it lies in its chunk."""

    name: str
    nbytes: int
    block: str = ""  # the module that it belongs to, of those that compute one after the other
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A contiguous range of bytes that is moved as one; blocks that share it are parted by "|"."""

    id: ChunkId
    nbytes: int
    block: str = ""  # the module all of it belongs to; empty: needed all the time
    tensors: tuple[Tensor, ...] = ()
    rereadable: bool = True  # its bytes can be had again from the files


@dataclass(frozen=True, slots=True)
class Model:
    """What one engine, or one component, holds."""

    key: str
    chunks: tuple[Chunk, ...]

    @property
    def nbytes(self) -> int:
        """All of it."""
        return sum(each.nbytes for each in self.chunks)


def even(key: str, nbytes: int, count: int) -> Model:
    """Return a model of `count` chunks of about equal size: what is known before it was loaded."""
    cuts = [nbytes * each // count for each in range(count + 1)]
    sizes = [high - low for low, high in pairwise(cuts)]
    return Model(key, tuple(Chunk(ChunkId(key, n), size) for n, size in enumerate(sizes)))


def pack(key: str, tensors: Iterable[Tensor], smallest: int = SMALLEST) -> Model:
    """Return the chunks of a model.

    What belongs to no block comes first and is needed all the time. Small neighbouring blocks share
    a chunk until it has `smallest` bytes; the rest is cut where it is above `LARGEST`.

    Args:
        key: the model.
        tensors: every tensor once, in the order of the modules.
        smallest: bytes.
    """
    pieces: list[tuple[str, list[Tensor]]] = []
    for block, members in _groups(list(tensors)):
        last = pieces[-1] if pieces else None
        if last is not None and block and last[0] and _size(last[1]) < smallest:
            pieces[-1] = (f"{last[0]}|{block}", [*last[1], *members])
        else:
            pieces.extend((block, part) for part in ([members] if block else _cut(members)))
    return Model(key, tuple(_chunk(ChunkId(key, n), *piece) for n, piece in enumerate(pieces)))


def _groups(tensors: Sequence[Tensor]) -> list[tuple[str, list[Tensor]]]:
    rest = [each for each in tensors if not each.block]
    inside = groupby((each for each in tensors if each.block), key=lambda each: each.block)
    return [*([("", rest)] if rest else []), *((name, list(each)) for name, each in inside)]


def _cut(members: Sequence[Tensor]) -> list[list[Tensor]]:
    parts: list[list[Tensor]] = [[]]
    for each in members:
        if parts[-1] and _size(parts[-1]) + each.nbytes > LARGEST:
            parts.append([])
        parts[-1].append(each)
    return parts


def _size(tensors: Iterable[Tensor]) -> int:
    return sum(aligned(each.nbytes) for each in tensors)


def _chunk(id_: ChunkId, block: str, members: Sequence[Tensor]) -> Chunk:
    placed: list[Tensor] = []
    offset = 0
    for each in members:
        placed.append(Tensor(each.name, each.nbytes, each.block, offset))
        offset += aligned(each.nbytes)
    return Chunk(id_, offset, block, tuple(placed))


def aligned(nbytes: int) -> int:
    """Return `nbytes` rounded up to `ALIGN`."""
    return -(-nbytes // ALIGN) * ALIGN
