"""Which container a file is, told by its first bytes: an allow-list, so that no file chooses its demuxer.

Formats that name other files or addresses (HLS, DASH, concat, SDP, SVG, image sequences …) are not
in it: they are recognised only to say what was seen.
"""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studio.errors import BadInput

HEAD_BYTES = 1 << 16
MAX_ATOMS = 10_000
TS_PACKET_SIZES = (188, 192, 204)
MOV_ATOMS = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
USABLE = "Give a video or sound file such as MP4, MKV, WebM, MOV, MP3, WAV or FLAC."


@dataclass(frozen=True, slots=True)
class Container:
    """A container format: the name of libavformat's demuxer, and its name for people."""

    demuxer: str
    title: str


@dataclass(frozen=True, slots=True)
class _Kind:
    container: Container
    matches: Callable[[bytes], bool]


def recognise(path: Path, name: str = "") -> Container:
    """Tell the container of `path` from its content; its name plays no part.

    Args:
        path: The file.
        name: What to call it in messages; its file name where empty.

    Raises:
        BadInput: if it is empty, missing, or not one of the formats that may be opened.
    """
    name = name or path.name
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            after_tag = _after_tag(head)
            if after_tag >= len(head):
                file.seek(after_tag)
                head, after_tag = head[:16] + file.read(HEAD_BYTES), 16
    except OSError as error:
        raise BadInput(
            f"{name} cannot be read ({error.strerror})", remedy="Choose another file."
        ) from error
    if not head:
        raise BadInput(f"{name} is empty (0 bytes)", remedy=USABLE)
    container = _by_magic(head[after_tag:]) or (Container("mp3", "MP3") if after_tag else None)
    if container is None:
        raise BadInput(f"{name} {_refused(head)}", remedy=USABLE)
    return container


def has_index(path: Path) -> bool:
    """Tell whether an MP4 or MOV file has its index (the moov atom) at the top level."""
    size_bytes, place = path.stat().st_size, 0
    with path.open("rb") as file:
        for _ in range(MAX_ATOMS):
            file.seek(place)
            atom = file.read(16)
            if len(atom) < 8:
                return False
            if atom[4:8] == b"moov":
                return True
            length = int.from_bytes(atom[:4], "big")
            if length == 1:
                length = int.from_bytes(atom[8:16], "big")
            place += length
            if length < 8 or place >= size_bytes:
                return False
    return False


def _by_magic(head: bytes) -> Container | None:
    return next((kind.container for kind in _KINDS if kind.matches(head)), None)


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _form(outer: tuple[bytes, ...], *inner: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] in outer and head[8:12] in inner


def _is_mov(head: bytes) -> bool:
    return head[4:8] in MOV_ATOMS


def _is_transport_stream(head: bytes) -> bool:
    for size in TS_PACKET_SIZES:
        first = 4 if size == 192 else 0  # M2TS puts a time code before each packet
        places = range(first, min(len(head), first + 5 * size), size)
        if len(places) > 1 and all(head[place] == 0x47 for place in places):
            return True
    return False


def _is_adts(head: bytes) -> bool:
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return False
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    following = head[size : size + 2]
    return size > 7 and (
        len(following) < 2 or (following[0] == 0xFF and following[1] & 0xF6 == 0xF0)
    )


def _is_mpeg_audio(head: bytes) -> bool:
    size = _mpeg_audio_frame_bytes(head)
    following = head[size:]
    return bool(size) and (len(following) < 4 or bool(_mpeg_audio_frame_bytes(following)))


def _mpeg_audio_frame_bytes(head: bytes) -> int:
    """Return the length of the MPEG audio frame that `head` begins with, 0 if it is none.

    Source: ISO/IEC 11172-3 §2.4.1.3 and 13818-3 (the lower rates).
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    kbps_index, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or rate_index == 3 or kbps_index in {0, 15}:
        return 0
    is_first = version == 3
    rate_hz = (44100, 48000, 32000)[rate_index] // {3: 1, 2: 2, 0: 4}[version]
    kbps = _MPEG_KBPS[(is_first, layer if is_first or layer == 1 else 2)][kbps_index - 1]
    if layer == 1:
        return (12000 * kbps // rate_hz + padding) * 4
    samples = 1152 if is_first or layer == 2 else 576
    return samples * 125 * kbps // rate_hz + padding


_MPEG_KBPS = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _after_tag(head: bytes) -> int:
    """Return how many bytes an ID3v2 tag in front takes, 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


_KINDS = (
    _Kind(Container("mov", "MP4 or MOV"), _is_mov),
    _Kind(Container("matroska", "Matroska or WebM"), _starts(b"\x1a\x45\xdf\xa3")),
    _Kind(Container("wav", "WAV"), _form((b"RIFF", b"RIFX", b"RF64", b"BW64"), b"WAVE")),
    _Kind(Container("avi", "AVI"), _form((b"RIFF",), b"AVI ", b"AVIX")),
    _Kind(Container("w64", "Wave64"), _starts(b"riff\x2e\x91\xcf\x11")),
    _Kind(Container("aiff", "AIFF"), _form((b"FORM",), b"AIFF", b"AIFC")),
    _Kind(Container("caf", "CAF"), _starts(b"caff")),
    _Kind(Container("au", "AU"), _starts(b".snd")),
    _Kind(Container("flac", "FLAC"), _starts(b"fLaC")),
    _Kind(Container("ogg", "Ogg"), _starts(b"OggS")),
    _Kind(Container("flv", "FLV"), _starts(b"FLV\x01")),
    _Kind(Container("asf", "WMA or WMV"), _starts(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")),
    _Kind(Container("mpeg", "MPEG"), _starts(b"\x00\x00\x01\xba")),
    _Kind(Container("mpegvideo", "MPEG video"), _starts(b"\x00\x00\x01\xb3")),
    _Kind(Container("gif", "GIF"), _starts(b"GIF87a", b"GIF89a")),
    _Kind(Container("amr", "AMR"), _starts(b"#!AMR\n", b"#!AMR-WB\n")),
    _Kind(Container("wv", "WavPack"), _starts(b"wvpk")),
    _Kind(Container("ape", "Monkey's Audio"), _starts(b"MAC ")),
    _Kind(Container("tta", "TTA"), _starts(b"TTA1")),
    _Kind(Container("mpegts", "MPEG transport stream"), _is_transport_stream),
    _Kind(Container("aac", "AAC"), _is_adts),
    _Kind(Container("mp3", "MP3"), _is_mpeg_audio),
)

_REFUSED = (
    (_starts(b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*"), "is a picture, not a video"),
    (_form((b"RIFF",), b"WEBP"), "is a picture, not a video"),
    (_starts(b"#EXTM3U"), "is a playlist (M3U), not a video"),
    (_starts(b"ffconcat"), "is a list of files (concat), not a video"),
    (_starts(b"v=0"), "describes a session (SDP), it is not a video"),
    (_starts(b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf"), "is an archive, not a video"),
    (_starts(b"%PDF"), "is a PDF document, not a video"),
)


def _refused(head: bytes) -> str:
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for matches, words in _REFUSED:
        if matches(bare):
            return words
    if bare.startswith(b"<"):
        return "is a text in markup (HTML, XML or SVG), not a video"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(bare)  # its last letter may be cut
    except UnicodeDecodeError:
        return f"is in no format that is known here (it begins with {head[:8].hex(' ')})"
    return "is a text, not a video"
