"""Files that engines need and no Python package brings: parts of three wheels that are not installed.

The set-up fetches them (`python -P engines/own_files.py FOLDER…`), and where it did not (a Gradio
Space installs requirements.txt alone) the studio does when it starts, behind its back. Whatever is
written was checked first; each file is whole or not there.
"""

import atexit
import hashlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FETCH_S = 900.0
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A file inside a wheel, and what it becomes here."""

    inside: str
    name: str  # below the folder; a torch file becomes safetensors if its name says so
    size_bytes: int
    sha256: str  # of what is inside


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that holds weights; its package wants other versions of what we use."""

    requirement: str
    without: str  # what is not to be had where it is missing: a sentence's end
    parts: tuple[Part, ...]


WHEELS = (
    Wheel(  # Apache-2.0; the last one that carries them
        "mediapipe==0.10.21",
        "the Talking Head tab finds no face without them",
        (
            Part(
                "mediapipe/modules/face_detection/face_detection_short_range.tflite",
                "faces/face_detection_short_range.tflite",
                229_714,
                "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
            ),
            Part(
                "mediapipe/modules/face_landmark/face_landmark.tflite",
                "faces/face_landmark.tflite",
                1_242_398,
                "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
            ),
            Part(
                "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
                "faces/selfie_segmentation.tflite",
                249_505,
                "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
            ),
        ),
    ),
    Wheel(  # MIT
        "facenet-pytorch==2.6.0",
        "small and half hidden faces are not found without them",
        (
            Part(
                "facenet_pytorch/data/pnet.pt",
                "faces/pnet.safetensors",
                28_570,
                "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
            ),
            Part(
                "facenet_pytorch/data/rnet.pt",
                "faces/rnet.safetensors",
                403_147,
                "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
            ),
            Part(
                "facenet_pytorch/data/onet.pt",
                "faces/onet.safetensors",
                1_559_269,
                "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
            ),
        ),
    ),
    Wheel(  # Apache-2.0
        "resemblyzer==0.1.4",
        "speakers are told apart by plain voice statistics",
        (
            Part(
                "resemblyzer/pretrained.pt",
                "voices/ge2e.safetensors",
                17_090_379,
                "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
            ),
        ),
    ),
)


def lacking(folders: Sequence[Path], wheels: Sequence[Wheel] = WHEELS) -> tuple[Wheel, ...]:
    """Return the wheels of which a part is in none of the folders."""
    return tuple(
        each
        for each in wheels
        if not all(any((at / part.name).is_file() for at in folders) for part in each.parts)
    )


def fetch(folders: Sequence[Path], wheels: Sequence[Wheel] = WHEELS) -> Iterator[str]:
    """Fetch what is in none of the folders into the first that can be written.

    It asks the package index that pip is set up for.

    Yields:
        A sentence for each wheel that could not be had; the others are fetched all the same.
    """
    for each in lacking(folders, wheels):
        try:
            _fetch(each, _writable(folders))
        except (
            OSError,
            ValueError,
            KeyError,
            zipfile.BadZipFile,
            subprocess.SubprocessError,
        ) as error:
            yield f"The files of {each.requirement} could not be had ({error}): {each.without}."


def fetch_behind(folders: Sequence[Path]) -> threading.Thread | None:
    """Fetch what is missing in a process of its own, and log what came of it; None: all is here.

    Torch, which reads some of the files, is never loaded into this process; the other one ends with it.
    """
    if not lacking(folders):
        return None
    command = [sys.executable, "-P", __file__, *map(str, folders)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(_stop, process)
    thread = threading.Thread(target=_tell, args=(process,), name="own files", daemon=True)
    thread.start()
    return thread


def _tell(process: "subprocess.Popen[str]") -> None:
    told = process.communicate()[1]
    for line in filter(None, told.splitlines()):
        LOGGER.warning(line)
    if process.returncode == 0:
        LOGGER.info("The files that engines need beside their packages are here now.")


def _stop(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGTERM)


def _writable(folders: Sequence[Path]) -> Path:
    for folder in folders:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    raise OSError(f"nothing can be written to {' or '.join(map(str, folders))}")


def _fetch(wheel: Wheel, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--timeout=20", "--retries=2"]
        command += ["--python-version=3.11", "--platform=manylinux_2_28_x86_64"]
        command += ["-d", scratch, wheel.requirement]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_S,
            check=False,
        )
        found = sorted(Path(scratch).glob("*.whl"))
        if done.returncode or not found:
            last = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise ValueError(last.removeprefix("ERROR: "))
        with zipfile.ZipFile(found[0]) as box:
            contents = [_content(box, part) for part in wheel.parts]
    for part, content in zip(wheel.parts, contents, strict=True):
        _write(content, folder / part.name)


def _content(box: zipfile.ZipFile, part: Part) -> bytes:
    """Return what is written of a part.

    Raises:
        ValueError: if it is not the expected one.
    """
    if box.getinfo(part.inside).file_size == part.size_bytes:
        content = box.read(part.inside)
        if hashlib.sha256(content).hexdigest() == part.sha256:
            return _safetensors(content) if part.name.endswith(".safetensors") else content
    raise ValueError(f"{part.inside} is not the expected file")


def _safetensors(content: bytes) -> bytes:
    """Return the tensors of a torch file, or of the model inside it, as safetensors."""
    import io  # noqa: PLC0415 - with what it is for

    import torch  # noqa: PLC0415 - heavy
    from safetensors.torch import save  # noqa: PLC0415 - heavy

    found: Any = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    tensors = found.get("model_state", found)
    return save({name: each.detach().clone().contiguous() for name, each in tensors.items()})


def _write(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def main(folders: Sequence[str]) -> int:
    """Fetch what is missing, and say what could not be had."""
    told = list(fetch([Path(each) for each in folders]))
    sys.stderr.writelines(f"{each}\n" for each in told)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
