import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from media.decode import DecodedAudio, decode_audio
from media.mux import MuxPlan, Subtitle, format_for, mux
from media.probe import MediaInfo, choose_audio, open_media, packets, probe
from media.verify import Expected, verify
from studio.errors import BadInput, Cancelled, ToolFailed
from tests.media import shared

SRT = "1\n00:00:00,500 --> 00:00:01,500\nHola <i>tú</i>\n\n2\n00:00:01,600 --> 00:00:02,500\n¿Qué?\n\n"
ASS = """[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Alignment, MarginV
Style: Default,Sans,80,&H00FFFFFF,&H00FFFFFF,&H00FFFFFF,5,10

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,WWWW
"""
COPIED = [
    *("video/grid_bbaf2n.mpg", "video/made_talk_4shots.mp4", "odd/hevc_10bit.mp4"),
    *("odd/interlaced_start10s.ts", "odd/av_offset_+300ms.mp4", "odd/variable_frame_rate.mp4"),
    *("odd/rotated_90.mp4", "odd/two_audio_tracks_and_subs.mkv", "odd/alpha_vp9.webm"),
    *("odd/it's a “test” — ñ 日本 #1 (copy) & 100%.mp4", "odd/bitflips.mp4"),
]


def opened(name: str, folder: Path) -> tuple[MediaInfo, DecodedAudio]:
    info = probe(shared(name))
    stream = choose_audio(info)
    assert stream is not None
    return info, decode_audio(info, stream, folder / "dub.flac")


def plan_of(info: MediaInfo, dub: DecodedAudio) -> MuxPlan:
    return MuxPlan(
        source=info,
        dub=dub.file,
        dub_start_s=dub.start_s,
        dub_language="es",
        format=format_for(info, "mp4"),
    )


def packet_hashes(info: MediaInfo) -> list[str]:
    assert info.video is not None
    with open_media(info.path, info.demuxer) as file:
        stream = file.streams[info.video.index]
        return [hashlib.sha256(bytes(packet)).hexdigest() for packet in packets(file, stream)]


def shown_at_s(info: MediaInfo) -> np.ndarray:
    """When each frame is shown, from the file's beginning."""
    assert info.video is not None
    with open_media(info.path, info.demuxer) as file:
        found = list(packets(file, file.streams[info.video.index]))
        times = [float(each.pts * each.time_base) for each in found if each.pts is not None]
    return np.sort(times) - info.start_s


def heard_from_beginning(info: MediaInfo, out: Path) -> np.ndarray:
    """The first sound track, with its delay as silence."""
    result = decode_audio(info, info.audios[0], out)
    delay = round(result.start_s * result.file.sample_rate_hz)
    return np.pad(result.file.read().samples, ((0, 0), (delay, 0)))


@pytest.mark.parametrize("name", COPIED)
@pytest.mark.parametrize("keep_original", [True, False])
def test_picture_is_copied_and_every_clock_kept(
    tmp_path: Path, name: str, keep_original: bool
) -> None:
    info, dub = opened(name, tmp_path)
    plan = replace(plan_of(info, dub), keep_original=keep_original)
    out = tmp_path / "out"
    mux(plan, out)
    made = probe(out)
    assert info.video is not None and made.video is not None
    assert packet_hashes(made) == packet_hashes(info)
    shift = shown_at_s(made) - shown_at_s(info)
    assert np.ptp(shift) < 0.002  # one more millisecond where MKV rounds
    assert made.video.rotation == info.video.rotation
    if plan.format == "mp4":
        assert abs(made.video.duration_s - info.video.duration_s) <= info.video.frame_s
        assert abs(shift).max() < 0.002
    ours = heard_from_beginning(made, tmp_path / "again.flac")
    theirs = np.pad(
        dub.file.read().samples, ((0, 0), (round(dub.start_s * dub.file.sample_rate_hz), 0))
    )
    begin = round(float(shift.mean()) * dub.file.sample_rate_hz) if plan.format == "mkv" else 0
    assert abs(ours.shape[1] - theirs.shape[1] - begin) <= 48
    assert len(made.audios) == 1 + keep_original * len(info.audios)


def test_aac_is_exact_to_the_sample(tmp_path: Path) -> None:
    info, dub = opened("video/made_talk_4shots.mp4", tmp_path)
    mux(plan_of(info, dub), tmp_path / "out")
    ours = heard_from_beginning(probe(tmp_path / "out"), tmp_path / "again.flac")
    theirs = dub.file.read().samples
    assert ours.shape == theirs.shape
    size = 1 << 21
    product = np.fft.rfft(ours[0], size) * np.conj(np.fft.rfft(theirs[0], size))
    assert int(np.argmax(np.fft.irfft(product))) == 0
    assert 10 * np.log10(np.square(theirs).sum() / np.square(ours - theirs).sum()) > 35


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_lossless_is_bit_for_bit(tmp_path: Path, kind: str) -> None:
    info, dub = opened("odd/av_offset_+300ms.mp4", tmp_path)
    plan = replace(plan_of(info, dub), format=kind, is_lossless=True, keep_original=False)
    mux(plan, tmp_path / "out")
    ours = heard_from_beginning(probe(tmp_path / "out"), tmp_path / "again.flac")
    delay = round(dub.start_s * dub.file.sample_rate_hz)
    assert np.array_equal(ours[:, delay:], dub.file.read().samples)
    assert not ours[:, :delay].any()


def flashes_and_beeps_s(info: MediaInfo, folder: Path) -> tuple[list[float], list[float]]:
    assert info.video is not None
    flashes: list[float] = []
    with open_media(info.path, info.demuxer) as file:
        bright = False
        for frame in file.decode(file.streams[info.video.index]):
            now = float(frame.to_ndarray(format="gray").mean()) > 128
            if now and not bright:
                flashes.append(frame.time - info.start_s)
            bright = now
    samples = np.abs(heard_from_beginning(info, folder / "beeps.flac")[0])
    loud = np.convolve(samples > 0.05, np.ones(200), "same") > 50
    edges = np.flatnonzero(np.diff(loud.astype(int)) == 1)
    rate_hz = info.audios[0].sample_rate_hz
    return flashes, [edge / rate_hz for edge in edges]


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_flash_and_beep_stay_together(tmp_path: Path, kind: str) -> None:
    info, dub = opened("odd/avsync_flash_beep.mp4", tmp_path)
    mux(replace(plan_of(info, dub), format=kind), tmp_path / "out")
    before = np.array(flashes_and_beeps_s(info, tmp_path))
    after = np.array(flashes_and_beeps_s(probe(tmp_path / "out"), tmp_path))
    assert before.shape == after.shape
    assert before.shape[1] >= 5
    assert np.abs((before[0] - before[1]) - (after[0] - after[1])).max() < 0.002


def test_tags_and_subtitles(tmp_path: Path) -> None:
    info, dub = opened("odd/two_audio_tracks_and_subs.mkv", tmp_path)
    (tmp_path / "es.srt").write_text(SRT, encoding="utf-8")
    (tmp_path / "none.srt").write_text("")
    subtitles = (
        Subtitle(path=tmp_path / "es.srt", language="es", title="Español", is_default=True),
        Subtitle(path=tmp_path / "none.srt", language="fr"),
    )
    for kind in ("mp4", "mkv"):
        plan = replace(
            plan_of(info, dub), format=kind, subtitles=subtitles, dub_title='It\'s "ñ"\n-x=1'
        )
        mux(plan, tmp_path / "out")
        made = probe(tmp_path / "out")
        assert [each.language for each in made.audios] == ["es", "en", "es"]
        assert [each.is_default for each in made.audios] == [True, False, False]
        assert [(each.language, each.is_default) for each in made.subtitles] == [("es", True)]
        assert made.audios[0].title in {'It\'s "ñ" -x=1', ""}  # PyAV shows no title of MP4 tracks


def test_same_plan_same_bytes(tmp_path: Path) -> None:
    info, dub = opened("video/grid_bbaf2n.mpg", tmp_path)
    (tmp_path / "c.ass").write_text(ASS, encoding="utf-8")
    for captions in (None, tmp_path / "c.ass"):
        digests = set()
        for out in (tmp_path / "a", tmp_path / "b"):
            mux(replace(plan_of(info, dub), captions=captions), out)
            digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
        assert len(digests) == 1


def test_burns_captions_on_the_clock_of_the_file(tmp_path: Path) -> None:
    info, dub = opened("odd/interlaced_start10s.ts", tmp_path)
    captions = tmp_path / "it's: a,[test];%{}\\ ñ.ass"
    captions.write_text(ASS, encoding="utf-8")
    plan = plan_of(info, dub)
    mux(plan, tmp_path / "plain")
    mux(replace(plan, captions=captions), tmp_path / "burnt")
    made = verify(tmp_path / "burnt", Expected(has_video=True, audios=2, duration_s=3.0))
    assert made.video is not None and made.video.codec == "h264"
    brightness = [gray_by_frame(probe(tmp_path / name)) for name in ("plain", "burnt")]
    added = brightness[1] - brightness[0]
    times = np.arange(added.size) * 0.04 + 0.011
    assert added[(times > 1.05) & (times < 1.95)].min() > 2
    assert np.abs(added[(times < 0.95) | (times > 2.05)]).max() < 1


def gray_by_frame(info: MediaInfo) -> np.ndarray:
    assert info.video is not None
    with open_media(info.path, info.demuxer) as file:
        frames = file.decode(file.streams[info.video.index])
        return np.array([frame.to_ndarray(format="gray").mean() for frame in frames])


def test_odd_sizes_and_rotation_survive_burning(tmp_path: Path) -> None:
    (tmp_path / "c.ass").write_text(ASS, encoding="utf-8")
    for name, size in [("odd_dimensions_444", (362, 290)), ("rotated_90", (360, 288))]:
        info, dub = opened(f"odd/{name}.mp4", tmp_path)
        mux(replace(plan_of(info, dub), captions=tmp_path / "c.ass"), tmp_path / "out")
        made = probe(tmp_path / "out").video
        assert made is not None
        assert (made.shown_size, made.rotation) == (size, 0)
        assert made.duration_s == pytest.approx(3.0, abs=0.04)


def test_sound_alone(tmp_path: Path) -> None:
    info, dub = opened("odd/pcm24_96k.wav", tmp_path)
    for kind, keep in [("mp4", False), ("mkv", True)]:
        mux(replace(plan_of(info, dub), format=kind, keep_original=keep), tmp_path / "out")
        verify(tmp_path / "out", Expected(has_video=False, audios=1 + keep, duration_s=1.5))


def test_format_follows_what_can_be_held(tmp_path: Path) -> None:
    webm, dub = opened("video/film_tears_of_steel_battle.webm", tmp_path)
    assert format_for(webm, "mp4") == "mkv"
    with pytest.raises(BadInput, match="MP4"):
        mux(replace(plan_of(webm, dub), format="mp4"), tmp_path / "out")
    assert format_for(probe(shared("odd/rotated_90.mp4")), "mkv") == "mp4"
    assert format_for(webm, "mp4", keep_original=False, burns=True) == "mp4"
    wav = probe(shared("odd/pcm24_96k.wav"))
    assert (format_for(wav, "mp4"), format_for(wav, "mp4", keep_original=False)) == ("mkv", "mp4")


def test_stop_and_verify(tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    info, dub = opened("video/made_talk_4shots.mp4", tmp_path)
    with pytest.raises(Cancelled):
        mux(plan_of(info, dub), tmp_path / "out", check=stop)
    mux(plan_of(info, dub), tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"dub.flac", "out"}
    verify(tmp_path / "out", Expected(has_video=True, audios=2, duration_s=12.0))
    for wrong in (
        Expected(has_video=False, audios=2),
        Expected(has_video=True, audios=1),
        Expected(has_video=True, audios=2, duration_s=11.0),
    ):
        with pytest.raises(ToolFailed):
            verify(tmp_path / "out", wrong)
    cut = tmp_path / "cut"
    cut.write_bytes((tmp_path / "out").read_bytes()[:200_000])
    with pytest.raises(ToolFailed):
        verify(cut, Expected(has_video=True, audios=2, duration_s=12.0))
