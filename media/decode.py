"""One sound track of a file as FLAC, sample for sample on the file's clock; hours fit in little memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import av
import av.error
import numpy as np
import soxr

from media.audio import Audio, AudioFile, AudioWriter, Samples, open_audio
from media.downmix import to_channels
from media.probe import AudioStream, MediaInfo, longest_s, open_media, packets
from media.tools import Check, unchecked
from studio.errors import BadInput, LimitReached
from studio.progress import Progress, silent

RATES_HZ = frozenset(
    {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 176400}
    | {192000}
)
USUAL_RATE_HZ = 48_000
DRIFT_S = 0.04  # time stamps may be that far off (one frame of 25 fps) before they are believed
WHEN_LOST_S = 0.002  # where packets are missing they are believed at once
JUMP_S = 10.0  # farther than this the clock was set anew; libavformat draws the line there too
PADDING_SAMPLES = 4096  # a coder's last packet may be filled up with this much at most
BATCH_S = 0.5
MANY_CHANNELS = 8
SCALES = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


@dataclass(frozen=True, slots=True)
class DecodedAudio:
    """A decoded sound track."""

    file: AudioFile
    start_s: float  # of its first sample, after the file's beginning (`MediaInfo.start_s`)
    warnings: tuple[str, ...]  # sentences: what was damaged


def decode_audio(
    info: MediaInfo,
    stream: AudioStream,
    out: Path,
    *,
    check: Check = unchecked,
    progress: Progress = silent,
) -> DecodedAudio:
    """Decode one sound track to FLAC, 24 bit.

    Gaps in its time stamps become silence, overlaps are cut, damaged packets are skipped and their
    time kept, more than two channels become stereo. It keeps its own rate where that is a usual one,
    and gets 48 kHz otherwise.

    Args:
        info: What is in the file.
        stream: One of `info.audios`.
        out: The FLAC file to write.
        check: Called several times a second.
        progress: Told the seconds done and in all.

    Raises:
        BadInput: if nothing of it can be decoded.
        LimitReached: if it is longer than the settings allow.
    """
    total_s = max(1, round(stream.duration_s))
    with open_media(info.path, info.demuxer, info.name) as file:
        track = file.streams[stream.index]
        tape: _Tape | None = None
        errors = 0
        try:
            for frame in _frames(file, cast("av.AudioStream", track)):
                if frame is None:
                    errors += 1
                    if tape is not None:
                        tape.is_lost = True
                    check()
                    continue
                if tape is None:
                    tape = _Tape.begun(out, frame, info, stream)
                if tape.lay(frame):
                    check()
                    progress(min(total_s, int(tape.seconds)), total_s)
        finally:
            if tape is not None:
                tape.close()
    if tape is None or not tape.laid:
        raise BadInput(
            f"the sound of {info.name} ({stream.codec}) cannot be decoded",
            remedy="Choose another file or sound track, or export it anew.",
        )
    progress(total_s, total_s)
    return DecodedAudio(open_audio(out), tape.start_s, _warnings(tape, errors, stream))


def _frames(file: Any, track: av.AudioStream) -> "Iterator[av.AudioFrame | None]":
    """Yield the frames of a track, None for each packet that cannot be decoded."""
    for packet in packets(file, track):
        try:
            frames = [_packed(frame) for frame in packet.decode()]
        except (av.error.FFmpegError, ValueError):
            yield None
            continue
        yield from frames
    try:
        yield from [_packed(frame) for frame in track.codec_context.decode(None)]
    except (av.error.FFmpegError, ValueError):
        return


def _packed(frame: av.AudioFrame) -> av.AudioFrame:
    """Return a frame that may be turned into an array.

    PyAV 18 reads beyond its list of planes, and crashes, where each of eight or more channels (7.1)
    has one of its own; so they are interleaved first.
    """
    channels = frame.layout.nb_channels
    if not frame.format.is_planar or channels < MANY_CHANNELS:
        return frame
    packer = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate)
    whole = packer.resample(frame) + packer.resample(None)
    if len(whole) != 1 or whole[0].samples != frame.samples:
        raise ValueError(f"{channels} channels cannot be interleaved")
    return whole[0]


@dataclass
class _Tape:
    """Decoded frames, laid end to end on the clock of the file."""

    writer: AudioWriter
    rate_hz: int
    channels: int
    origin_s: float  # time stamp of sample 0
    start_s: float
    most_s: float  # no gap may lead beyond
    trusts_jumps: bool
    claimed_samples: int  # as the header says, 0 unknown
    limit_s: float = field(default_factory=longest_s)
    at: float = 0.0  # samples laid so far, at `rate_hz`
    laid: int = 0  # samples laid, in whole numbers
    is_lost: bool = False  # packets are missing: the next time stamp decides
    gap_s: float = 0.0
    jumps: int = 0
    _pending: list[Samples] = field(default_factory=list[Samples])
    _held: int = 0
    _resampler: "_Resampler | None" = None

    @classmethod
    def begun(
        cls, out: Path, frame: av.AudioFrame, info: MediaInfo, stream: AudioStream
    ) -> "_Tape":
        """Return an empty tape for frames like the first one."""
        rate_hz = frame.sample_rate if frame.sample_rate in RATES_HZ else USUAL_RATE_HZ
        channels = min(2, frame.layout.nb_channels)
        first_s = _time_s(frame)
        origin_s = info.start_s if first_s is None else first_s
        return cls(
            writer=AudioWriter(out, rate_hz, channels),
            rate_hz=rate_hz,
            channels=channels,
            origin_s=max(origin_s, info.start_s),
            start_s=max(0.0, origin_s - info.start_s),
            most_s=info.duration_s + 1.0,
            trusts_jumps=info.demuxer not in {"mpegts", "mpeg"},
            claimed_samples=round(stream.duration_s * rate_hz) if info.demuxer == "mov" else 0,
        )

    @property
    def seconds(self) -> float:
        """How much is laid."""
        return self.at / self.rate_hz

    def lay(self, frame: av.AudioFrame) -> bool:
        """Append a frame where its time stamp says; tell whether that filled a batch.

        Raises:
            LimitReached: if the track gets longer than the settings allow.
        """
        samples = to_channels(
            _samples(frame), [channel.name for channel in frame.layout.channels], self.channels
        )
        skip = self._aligned(_time_s(frame), frame.sample_rate)
        self.is_lost = skip >= frame.samples  # the next one, too, is to be cut to the sample
        self._append(samples[:, skip:], frame.sample_rate)
        if self.seconds > self.limit_s:
            raise LimitReached(
                f"the sound is longer than {self.limit_s / 3600:g} hours",
                remedy="Give a shorter file, or raise UNDERSTUDY_MAX_MEDIA_HOURS.",
            )
        full = self._held > self.rate_hz * BATCH_S + PADDING_SAMPLES
        if full:
            self._write(keep=PADDING_SAMPLES)
        return full

    def close(self) -> None:
        """Write what is left, without the coder's padding, and close the file."""
        self._end_resampling()
        padding = self.laid - self.claimed_samples
        if self.claimed_samples and 0 < padding <= min(PADDING_SAMPLES, self._held):
            rest = self._taken()[:, : self._held - padding]
            self._pending, self._held = [rest], rest.shape[1]
            self.laid -= padding
        self._write(keep=0)
        self.writer.__exit__()

    def _aligned(self, time_s: float | None, frame_rate_hz: int) -> int:
        """Fill a gap before a frame, or return how many of its samples are to be left out."""
        if time_s is None:
            return 0
        off_s = time_s - self.origin_s - self.seconds
        believed_s = WHEN_LOST_S if self.is_lost else DRIFT_S
        if abs(off_s) <= believed_s and not (self.laid == 0 and off_s < 0):
            return 0
        if self._is_jump(off_s):
            self.jumps += 1
            self.origin_s += off_s
            return 0
        if off_s < 0:
            return round(-off_s * frame_rate_hz)
        self._end_resampling()
        self.gap_s += off_s
        self._lay_silence(round(off_s * self.rate_hz))
        return 0

    def _is_jump(self, off_s: float) -> bool:
        if off_s < 0:
            return off_s < -JUMP_S
        beyond = self.seconds + off_s > self.most_s
        return beyond or (off_s > JUMP_S and not self.trusts_jumps)

    def _lay_silence(self, count: int) -> None:
        block = round(self.rate_hz * BATCH_S)
        while count > 0:
            piece = min(block, count)
            self._keep(np.zeros((self.channels, piece), dtype=np.float32))
            self.at += piece
            self._write(keep=PADDING_SAMPLES)
            count -= piece

    def _append(self, samples: Samples, rate_hz: int) -> None:
        if rate_hz == self.rate_hz:
            self._end_resampling()
            self._keep(samples)
            self.at += samples.shape[1]
            return
        if self._resampler is None or self._resampler.rate_hz != rate_hz:
            self._end_resampling()
            self._resampler = _Resampler(rate_hz, self.rate_hz, self.channels)
        self._keep(self._resampler.more(samples))
        self.at += samples.shape[1] * self.rate_hz / rate_hz

    def _end_resampling(self) -> None:
        if self._resampler is None:
            return
        missing = round(self.at) - self.laid
        tail = self._resampler.rest()[:, : max(0, missing)]
        self._keep(np.pad(tail, ((0, 0), (0, max(0, missing - tail.shape[1])))))
        self._resampler = None
        self.at = float(self.laid)

    def _keep(self, samples: Samples) -> None:
        self._pending.append(samples)
        self._held += samples.shape[1]
        self.laid += samples.shape[1]

    def _taken(self) -> Samples:
        return np.concatenate(
            [*self._pending, np.zeros((self.channels, 0), dtype=np.float32)], axis=1
        )

    def _write(self, keep: int) -> None:
        samples = self._taken()
        cut = max(0, samples.shape[1] - keep)
        if cut:
            self.writer.write(Audio(samples[:, :cut], self.rate_hz))
        self._pending, self._held = [samples[:, cut:]], samples.shape[1] - cut


class _Resampler:
    """soxr, block by block, (channels, samples)."""

    def __init__(self, rate_hz: int, to_hz: int, channels: int) -> None:
        self.rate_hz = rate_hz
        self._channels = channels
        self._stream = soxr.ResampleStream(rate_hz, to_hz, channels, "float32", "VHQ")

    def more(self, samples: Samples) -> Samples:
        """Return what can be given after `samples`; it comes some samples late."""
        return self._run(samples, last=False)

    def rest(self) -> Samples:
        """Return the end."""
        return self._run(np.zeros((self._channels, 0), dtype=np.float32), last=True)

    def _run(self, samples: Samples, *, last: bool) -> Samples:
        frames = self._stream.resample_chunk(np.ascontiguousarray(samples.T), last)
        return np.ascontiguousarray(frames.reshape(-1, self._channels).T, dtype=np.float32)


def _samples(frame: av.AudioFrame) -> Samples:
    """Return (channels, samples) in -1..1; what is no number becomes silence."""
    name, channels = frame.format.name, frame.layout.nb_channels
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, channels).T
    scale = SCALES[name.removesuffix("p")]
    offset = 128.0 if name.startswith("u8") else 0.0
    samples = ((array - offset) / scale if scale != 1.0 else array).astype(np.float32)
    return samples if np.isfinite(samples).all() else np.nan_to_num(samples, posinf=0, neginf=0)


def _time_s(frame: av.AudioFrame) -> float | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * frame.time_base)


def _warnings(tape: _Tape, errors: int, stream: AudioStream) -> tuple[str, ...]:
    said: list[str] = []
    if errors:
        said.append(f"{errors} damaged pieces of the sound could not be decoded and are silent.")
    if tape.gap_s > DRIFT_S:
        said.append(f"The sound has gaps of {tape.gap_s:.2f} s in all, which are silent.")
    if tape.jumps:
        said.append(f"The clock of the sound jumps {tape.jumps} times; it was joined there.")
    end_s = tape.laid / tape.rate_hz
    if stream.duration_s - end_s > max(0.5, 0.02 * stream.duration_s):
        said.append(
            f"The file says that its sound lasts {stream.duration_s:.1f} s, but only {end_s:.1f} s"
            " could be decoded."
        )
    return tuple(said)
