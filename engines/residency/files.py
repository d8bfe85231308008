"""Which bytes of an engine's tensors are also in its files: those may be dropped from memory.

safetensors files are eight bytes of length, a JSON header, and plain tensors, so a chunk can be read
back without the library that wrote it. What was converted while loading (another dtype, a new
layout) equals no bytes of the files and stays in memory as long as its engine does.
"""

import json
import mmap
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.catalog import Entry
from engines.residency.chunks import Chunk
from engines.weights import folder

if TYPE_CHECKING:
    import torch

HEADER_LIMIT = 100 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file."""

    path: Path
    start: int
    nbytes: int


@dataclass(slots=True)
class Files:
    """The tensors of some safetensors files, and which of an engine's equal them."""

    spans: dict[int, list[Span]] = field(default_factory=dict[int, list[Span]])  # by size
    sources: dict[str, Span] = field(default_factory=dict[str, Span])  # by the engine's own name
    _maps: dict[Path, mmap.mmap] = field(default_factory=dict[Path, mmap.mmap])

    @classmethod
    def of(cls, entry: Entry) -> "Files":
        """Return the files of an engine's weights; none where it has none."""
        parts = entry.weights.parts() if entry.weights is not None else ()
        return cls.under(*map(folder, parts))

    @classmethod
    def under(cls, *roots: Path) -> "Files":
        """Return the files below some folders."""
        files = cls()
        for path in (found for root in roots for found in sorted(root.rglob("*.safetensors"))):
            for span in spans_of(path):
                files.spans.setdefault(span.nbytes, []).append(span)
        return files

    def match(self, chunk: Chunk, original: "Callable[[str], torch.Tensor | None]") -> Chunk:
        """Return the chunk, marked rereadable if all its tensors are found in the files."""
        found: dict[str, Span] = {}
        for each in chunk.tensors:
            flat = original(each.name)
            span = self._find(flat) if flat is not None else None
            if span is None:
                return replace(chunk, rereadable=False)
            found[each.name] = span
        self.sources.update(found)
        return replace(chunk, rereadable=bool(found))

    def read(self, chunk: Chunk, buffer: "torch.Tensor") -> None:
        """Bring a chunk's bytes back.

        Raises:
            OSError: if a file cannot be read or is shorter than it was.
        """
        whole: Any = buffer.numpy()
        for each in chunk.tensors:
            span = self.sources[each.name]
            _read_into(span, memoryview(whole[each.offset : each.offset + each.nbytes]))

    def _find(self, flat: "torch.Tensor") -> Span | None:
        values: Any = flat.numpy()
        for span in self.spans.get(len(values), ()):
            there = np.frombuffer(self._map(span.path), np.uint8, span.nbytes, span.start)
            if np.array_equal(values[:64], there[:64]) and np.array_equal(values, there):
                return span
        return None

    def _map(self, path: Path) -> mmap.mmap:
        if path not in self._maps:
            with path.open("rb") as file:
                self._maps[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._maps[path]


def spans_of(path: Path) -> list[Span]:
    """Return where the tensors of a safetensors file lie; nothing if it is none."""
    with path.open("rb") as file:
        head = file.read(8)
        if len(head) < 8:
            return []
        (length,) = struct.unpack("<Q", head)
        if length > HEADER_LIMIT:
            return []
        try:
            header: dict[str, Any] = json.loads(file.read(length))
        except ValueError:
            return []
    offsets = [each["data_offsets"] for name, each in header.items() if name != "__metadata__"]
    return [Span(path, 8 + length + start, end - start) for start, end in offsets if end > start]


def _read_into(span: Span, target: memoryview) -> None:
    descriptor = os.open(span.path, os.O_RDONLY)
    try:
        done = 0
        while done < span.nbytes:
            count = os.preadv(descriptor, [target[done:]], span.start + done)
            if count == 0:
                raise OSError(f"{span.path.name} ended after {span.start + done} bytes")
            done += count
    finally:
        os.close(descriptor)
