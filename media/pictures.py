"""Pictures as arrays: opened by an allow-list, turned upright, laid on white where see-through."""

import warnings
from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from studio.errors import BadInput

Pixels: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) uint8, red green blue."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
MOST_PIXELS = 100_000_000
USABLE = "Give a PNG, JPEG or WebP picture."
SMALLER = "Give a picture of 100 megapixels at most."


@dataclass(frozen=True, slots=True)
class PasteBack:
    """What is left of a portrait whose own part, untouched, was cut out and pasted back."""

    psnr_db: float  # where it was pasted; 99 and more: the same
    is_exact_outside: bool  # whatever is pasted, the rest of the picture stays bit for bit
    scale: float  # pixels of the part for one of the picture, along a side; below 1 detail is lost


def read_picture(path: Path, name: str = "", longest_px: int = 0) -> Pixels:
    """Return a picture as it is meant to be seen.

    Args:
        path: the file; its name plays no part.
        name: what to call it in messages.
        longest_px: made smaller where a side is longer; 0: as it is.

    Raises:
        BadInput: if it is no picture, cannot be read whole, or is larger than 100 megapixels.
    """
    name = name or path.name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise BadInput(
                        f"{name!r} is {opened.width} × {opened.height} pixels large",
                        remedy=SMALLER,
                    )
                return _upright(opened, longest_px)
    except Image.DecompressionBombError as error:
        raise BadInput(f"{name!r} is far too large", remedy=SMALLER) from error
    except UnidentifiedImageError as error:
        raise BadInput(f"{name!r} is not a picture that can be read", remedy=USABLE) from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{name!r} is damaged ({error})", remedy="Choose another file.") from error


def write_png(pixels: Pixels, path: Path) -> Path:
    """Write a picture as PNG."""
    Image.fromarray(pixels).save(path, "PNG", compress_level=4)
    return path


def warped(
    pixels: Pixels, scale: float, offset_px: tuple[float, float], size_px: tuple[int, int]
) -> Pixels:
    """Return a picture scaled and moved onto a new frame; its edges go on where it ends.

    Args:
        pixels: (height, width, 3).
        scale: pixels of the frame for one of the picture.
        offset_px: where the picture's origin lies in the frame: x, y.
        size_px: the frame: width, height.
    """
    import cv2  # noqa: PLC0415 - heavy

    if scale < 1:  # smooth first, or thin lines flicker when the picture moves
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.45 / scale).astype(np.uint8)
    turn = np.array([[scale, 0, offset_px[0]], [0, scale, offset_px[1]]], np.float64)
    framed = cv2.warpAffine(
        pixels, turn, size_px, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.ascontiguousarray(framed, np.uint8)


def data_address(path: Path, longest_px: int) -> str:
    """Return a small copy of a picture as an address that holds it: nothing is fetched, nothing kept.

    Raises:
        BadInput: as `read_picture` does.
    """
    out = BytesIO()
    Image.fromarray(read_picture(path, longest_px=longest_px)).save(out, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{b64encode(out.getvalue()).decode()}"


def _upright(opened: Image.Image, longest_px: int) -> Pixels:
    image = ImageOps.exif_transpose(opened)
    if image.mode in {"I;16", "I;16B", "I", "F"}:
        values = np.asarray(image, np.float64)
        scale = 257.0 if float(values.max(initial=0.0)) > 255 else 1.0
        image = Image.fromarray((values / scale).clip(0, 255).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    image = image.convert("RGB")
    if longest_px and max(image.size) > longest_px:
        image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(image, np.uint8))
