"""AAC in pieces: each stretch of sound encoded by itself, joined as if it had been one.

A packet of AAC is decoded together with the one before it, and an encoder's choices (window shapes,
bits to spend) follow from the last few packets. So each piece is encoded with a lead-in and a little of
what follows, and only the packets of its own stretch are kept: by then the encoder has settled to
where it would have been (measured in tests/media_room/test_aac.py).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet

from media.audio import Samples
from media.score import FRAME
from media.tools import Check, unchecked

RATES_HZ = frozenset(
    {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
)
KBPS_A_CHANNEL = 128
HEADER_BYTES = 7  # of ADTS, without a checksum
MOST_CHANNELS = 2
BATCH = 64 * FRAME


def encode_piece(
    samples: Samples,
    sample_rate_hz: int,
    out: Path,
    *,
    lead: int,
    size: int,
    is_last: bool,
    check: Check = unchecked,
) -> None:
    """Encode one piece of a track and write its packets as ADTS.

    Args:
        samples: (channels, samples), 1 or 2 channels: the lead-in, the piece, and what follows it.
        sample_rate_hz: one of `RATES_HZ`.
        out: the file to write.
        lead: samples of the lead-in, whole packets; 0 at the beginning of the track.
        size: samples of the piece, whole packets unless it is the last.
        is_last: whether the track ends with it.
        check: called several times a second.
    """
    channels = samples.shape[0]
    with av.open(f"file:{out.absolute()}", "w", format="adts") as file:
        track = _track(file, sample_rate_hz, channels)
        # Packet j holds samples from (j - 1) * FRAME on; the first of all only warms the decoder up.
        first = lead // FRAME + 1 if lead else 0
        last = -(-(lead + size) // FRAME)
        for number, packet in enumerate(_encoded(track, samples, sample_rate_hz, check)):
            if first <= number <= last:
                packet.pts = packet.dts = (number - first) * FRAME
                file.mux(packet)
            if number == last and not is_last:
                break


def join_pieces(
    pieces: Sequence[Path],
    out: Path,
    *,
    sample_rate_hz: int,
    channels: int,
    n_samples: int,
    check: Check = unchecked,
) -> None:
    """Write the pieces of a track as one M4A of exactly `n_samples`."""
    base = Fraction(1, sample_rate_hz)
    exact = {"movie_timescale": str(sample_rate_hz), "fflags": "+bitexact"}
    with av.open(f"file:{out.absolute()}", "w", format="mp4", options=exact) as file:
        track = _track(file, sample_rate_hz, channels)
        time = -FRAME
        for piece in pieces:
            check()
            for data in _packets(piece.read_bytes()):
                packet = av.Packet(data)
                packet.stream, packet.time_base = track, base
                packet.pts = packet.dts = time
                packet.duration = min(FRAME, n_samples - time)
                packet.is_keyframe = True
                file.mux(packet)
                time += FRAME


def _track(file: OutputContainer, sample_rate_hz: int, channels: int) -> av.AudioStream:
    # The quick search takes about half the time.
    track = file.add_stream(
        "aac",
        rate=sample_rate_hz,
        layout="mono" if channels == 1 else "stereo",
        options={"aac_coder": "fast", "flags": "+bitexact"},
    )
    track.bit_rate = KBPS_A_CHANNEL * 1000 * channels
    track.format = "fltp"
    track.time_base = Fraction(1, sample_rate_hz)
    return track


def _encoded(
    track: av.AudioStream, samples: Samples, sample_rate_hz: int, check: Check
) -> Iterator["Packet[av.AudioStream]"]:
    for at in range(0, samples.shape[1], BATCH):
        check()
        part = np.ascontiguousarray(samples[:, at : at + BATCH], np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=track.layout.name)
        frame.sample_rate, frame.pts = sample_rate_hz, at
        frame.time_base = Fraction(1, sample_rate_hz)
        yield from track.encode(frame)
    yield from track.encode(None)


def _packets(adts: bytes) -> Iterator[bytes]:
    """Yield the packets of an ADTS file that `encode_piece` wrote, without their headers."""
    at = 0
    while at < len(adts):
        length = (adts[at + 3] & 3) << 11 | adts[at + 4] << 3 | adts[at + 5] >> 5
        yield adts[at + HEADER_BYTES : at + length]
        at += length
