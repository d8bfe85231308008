from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media.audio import Audio, AudioFile, open_audio, write_audio
from media.clips import Sound, cut_clip, thumbnail
from media.decode import decode_audio
from media.languages import long_language, short_language
from media.probe import probe
from media.waveform import Look, draw_waveform, peaks
from studio.errors import BadInput, Cancelled
from tests.media import shared


def test_a_clip_hears_the_dub_where_it_belongs(tmp_path: Path) -> None:
    """The flash is seen and the beep heard at the same second of the clip, with an offset too."""
    info = probe(shared("odd/avsync_flash_beep.mp4"))
    sound = decode_audio(info, info.audios[0], tmp_path / "a.flac").file
    late = write_audio(sound.read(24_000), tmp_path / "late.flac")  # begins half a second later
    for audio, start_s in [(sound, 0.0), (open_audio(late), 0.5)]:
        cut_clip(info, Sound(audio, start_s), (0.3, 3.3), tmp_path / "clip.mp4")
        clip = probe(tmp_path / "clip.mp4")
        assert clip.duration_s == pytest.approx(3.0, abs=0.05)
        heard = decode_audio(clip, clip.audios[0], tmp_path / "heard.flac")
        samples = np.abs(heard.file.read().samples[0])
        first = int(np.argmax(samples > 0.03)) / heard.file.sample_rate_hz
        assert clip.start_s + heard.start_s + first == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize(
    "name", ["rotated_90.mp4", "interlaced_start10s.ts", "odd_dimensions_444.mp4", "animated.gif"]
)
def test_clips_of_odd_files(tmp_path: Path, name: str) -> None:
    info = probe(shared(f"odd/{name}"))
    cut_clip(info, None, (-1.0, 1.0), tmp_path / "clip.mp4")
    clip = probe(tmp_path / "clip.mp4")
    assert clip.video is not None
    assert clip.video.codec == "h264"
    assert clip.duration_s == pytest.approx(1.0, abs=0.11)


def test_a_clip_of_sound_alone(tmp_path: Path) -> None:
    info = probe(shared("odd/audio_only.mp4"))
    cut_clip(info, None, (9.0, 99.0), tmp_path / "clip.m4a")
    clip = probe(tmp_path / "clip.m4a")
    assert clip.video is None
    assert clip.duration_s == pytest.approx(2.0, abs=0.03)
    with pytest.raises(BadInput, match="nothing between"):
        cut_clip(info, None, (20.0, 30.0), tmp_path / "clip.m4a")


def test_thumbnails_stand_upright(tmp_path: Path) -> None:
    upright = shared("odd/it's a “test” — ñ 日本 #1 (copy) & 100%.mp4")
    pictures = []
    for path in (upright, shared("odd/rotated_90.mp4")):
        thumbnail(probe(path), 1.0, tmp_path / "t.jpg", height_px=144)
        pictures.append(np.asarray(Image.open(tmp_path / "t.jpg").convert("L"), dtype=float))
    assert pictures[0].shape == pictures[1].shape == (144, 180)
    assert np.abs(pictures[0] - pictures[1]).mean() < 8
    for name in ("one_frame.mp4", "-video-with-dash-.mp4", "repo_video_rotation_90.mp4"):
        thumbnail(probe(shared(f"odd/{name}")), 99.0, tmp_path / "t.jpg")
    with pytest.raises(BadInput, match="no picture"):
        thumbnail(probe(shared("odd/clipped.flac")), 0.0, tmp_path / "t.jpg")


def test_peaks_are_where_the_sound_is(tmp_path: Path) -> None:
    samples = np.zeros((2, 16_000), dtype=np.float32)
    samples[1, 4000:8000] = -0.5
    audio = open_audio(write_audio(Audio(samples, 8000), tmp_path / "a.flac"))
    assert peaks(audio, 4).tolist() == pytest.approx([0, 0.5, 0, 0])
    draw_waveform(audio, tmp_path / "a.png", Look(width_px=200, height_px=40))
    picture = Image.open(tmp_path / "a.png")
    assert picture.size == (200, 40)
    alpha = np.asarray(picture)[:, :, 3]
    filled = (alpha > 0).sum(axis=0)
    assert filled[55:95].max() > 4 * filled[:45].max()
    draw_waveform(audio, tmp_path / "b.png", Look(width_px=200, height_px=40))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_waveform_can_be_stopped_and_may_be_empty(tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    draw_waveform(AudioFile(tmp_path / "none.flac", 8000, 1, 0), tmp_path / "a.png")
    with pytest.raises(Cancelled):
        draw_waveform(open_audio(shared("odd/clipped.flac")), tmp_path / "b.png", check=stop)


@pytest.mark.parametrize(
    ("tag", "short", "long"),
    [
        ("spa", "es", "spa"),
        ("es-MX", "es", "spa"),
        ("ger", "de", "deu"),
        ("zh", "zh", "zho"),
        ("pt_BR", "pt", "por"),
        ("ca", "ca", "cat"),
        ("haw", "haw", "haw"),
        ("und", "", "und"),
        ("", "", "und"),
        ("<b>", "", "und"),
    ],
)
def test_language_tags(tag: str, short: str, long: str) -> None:
    assert short_language(tag) == short
    assert long_language(tag) == long
