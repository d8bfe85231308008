"""The mix: bit for bit outside, no original voice inside, levels, peaks, lengths."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.audio import Audio, open_audio, write_audio
from media.levels import PlacedLine
from media.limiter import Limiter
from media.loudness import highest_peak, loudness_lufs
from media.mix import mix
from media.score import MixOptions, MixPlan, replaced_regions
from media.speech import Span
from studio.errors import BadInput, Cancelled
from tests.media import shared

RATE = 8000


def levels(path):
    return soundfile.read(path, dtype="int32", always_2d=True)[0].T >> 8


def noise(n, level, seed, channels=1):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((channels, n)) * level).astype(np.float32)


def make(folder, lines, *, seconds=12.0, channels=2, level=0.1, bed_level=0.02):
    """Return a plan: noise in place of speech inside the sources, over a noise bed."""
    n = round(seconds * RATE)
    bed, voice = noise(n, bed_level, 1, channels), np.zeros((channels, n), np.float32)
    for _, _, source in lines:
        start, stop = round(source.start_s * RATE), round(source.end_s * RATE)
        voice[:, start:stop] = noise(n, level, 2, channels)[:, start:stop]
    files = {"original": bed + voice, "bed": bed, "vocals": voice}
    opened = {
        name: open_audio(write_audio(Audio(sound, RATE), folder / f"{name}.flac"))
        for name, sound in files.items()
    }
    placed = []
    for index, (start_s, length_s, source) in enumerate(lines):
        line = Audio(noise(round(length_s * RATE), 0.05, 10 + index), RATE)
        path = write_audio(line, folder / f"line{index}.flac")
        placed.append(PlacedLine(start_s, open_audio(path), source, f"S{index % 2}"))
    return MixPlan(opened["original"], tuple(placed), bed=opened["bed"], vocals=opened["vocals"])


LINES = [(2.1, 1.5, Span(2.0, 4.0)), (5.0, 1.0, Span(5.0, 6.2)), (9.0, 2.0, Span(8.8, 10.9))]


def test_everything_holds_at_once(tmp_path):
    plan = make(tmp_path, LINES)
    report = mix(plan, tmp_path / "out.flac")
    out, original, bed = (
        levels(path) for path in (tmp_path / "out.flac", plan.original.path, plan.bed.path)
    )
    assert out.shape == original.shape
    touched = np.zeros(out.shape[1], bool)
    for span in replaced_regions(plan):
        touched[round(span.start_s * RATE) : round(span.end_s * RATE) + 1] = True
    assert (out[:, ~touched] == original[:, ~touched]).all()
    assert report.is_exact_outside
    assert report.exact_share >= 1 - report.touched_s / 12
    # From 3.6 s the dub is silent while the source still spoke: only the bed may be heard.
    quiet = slice(round(3.98 * RATE), round(4.1 * RATE))
    assert (np.abs(out[:, quiet] - bed[:, quiet]) <= 1).all()
    assert report.bleed < 0.05
    for line in report.lines:
        assert line.lufs == pytest.approx(line.source_lufs, abs=0.1)
        assert 5.99 <= line.duck_db <= 12.01
        assert line.cut_s == 0
    assert report.notes == ()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(
        st.tuples(
            st.floats(0, 10.5),
            st.floats(0.05, 1.5),
            st.builds(lambda s, d: Span(s, s + d), st.floats(0, 10), st.floats(0.1, 2)),
        ),
        max_size=4,
    ),
    channels=st.integers(1, 2),
    bed_level=st.sampled_from([0.0, 0.02, 0.3]),
)
def test_any_schedule_keeps_its_promises(tmp_path, lines, channels, bed_level):
    plan = make(tmp_path, lines, channels=channels, bed_level=bed_level)
    report = mix(plan, tmp_path / "out.flac")
    out, original = levels(tmp_path / "out.flac"), levels(plan.original.path)
    assert out.shape == original.shape
    untouched = np.ones(out.shape[1], bool)
    for span in replaced_regions(plan):
        untouched[round(span.start_s * RATE) : round(span.end_s * RATE) + 1] = False
    assert (out[:, untouched] == original[:, untouched]).all()
    assert report.touched_true_peak_dbtp <= -1.0
    again = mix(plan, tmp_path / "again.flac")
    assert again == report
    assert (tmp_path / "again.flac").read_bytes() == (tmp_path / "out.flac").read_bytes()


@pytest.mark.parametrize("block_s", [0.3, 1.0, 3.7])
def test_blocks_leave_no_trace(tmp_path, monkeypatch, block_s):
    plan = make(tmp_path, LINES, level=0.5)
    mix(plan, tmp_path / "whole.flac")
    monkeypatch.setattr("media.score.BLOCK_S", block_s)
    mix(plan, tmp_path / "blocks.flac")
    assert np.abs(levels(tmp_path / "whole.flac") - levels(tmp_path / "blocks.flac")).max() <= 2


def test_a_line_lands_on_its_sample(tmp_path):
    n = 4 * RATE
    click = np.zeros((1, 800), np.float32)
    click[0, 0] = 0.1
    silent = write_audio(Audio(np.zeros((1, n), np.float32), RATE), tmp_path / "silent.flac")
    path = write_audio(Audio(click, RATE), tmp_path / "click.flac")
    lines = tuple(
        PlacedLine(at, open_audio(path), Span(at, at + 0.1), target_lufs=-30)
        for at in (0.0, 1.2345, 3.9)
    )
    original = open_audio(silent)
    mix(MixPlan(original, lines, bed=original), tmp_path / "out.flac")
    out = levels(tmp_path / "out.flac")[0]
    heard = np.flatnonzero(np.abs(out) > np.abs(out).max() / 2)
    assert heard.tolist() == [0, round(1.2345 * RATE), round(3.9 * RATE)]


def test_loud_voices_are_held_under_the_ceiling(tmp_path):
    plan = make(tmp_path, LINES, bed_level=0.25, level=0.3)
    lines = tuple(replace(line, target_lufs=-9.0) for line in plan.lines)
    report = mix(replace(plan, lines=lines), tmp_path / "out.flac")
    assert report.touched_true_peak_dbtp <= -1.0
    assert report.touched_true_peak_dbtp > -3.0


@pytest.mark.parametrize("where", ["start", "end"])
def test_lines_at_the_very_ends(tmp_path, where):
    at = 0.0 if where == "start" else 10.5
    plan = make(tmp_path, [(at, 1.5, Span(at, at + 1.5))])
    report = mix(plan, tmp_path / "out.flac")
    out, vocals = levels(tmp_path / "out.flac"), levels(plan.vocals.path)
    part = slice(0, RATE // 2) if where == "start" else slice(-RATE // 2, None)
    assert abs(np.corrcoef(out[0, part], vocals[0, part])[0, 1]) < 0.15
    assert report.lines[0].cut_s == 0


def test_a_line_past_the_end_is_told(tmp_path):
    report = mix(make(tmp_path, [(11.0, 1.5, Span(10, 11.5))]), tmp_path / "out.flac")
    assert report.lines[0].cut_s == pytest.approx(0.5, abs=0.001)


def test_without_a_background_stem_the_original_steps_back(tmp_path):
    plan = replace(make(tmp_path, LINES), bed=None)
    report = mix(plan, tmp_path / "out.flac")
    assert "lowered by 12 dB" in report.notes[0]
    assert report.is_exact_outside
    assert report.bleed > 0.5  # honest: the voices are still there
    assert report.lines[0].duck_db == pytest.approx(12, abs=0.01)


def test_the_voices_alone(tmp_path):
    plan = replace(make(tmp_path, LINES), options=MixOptions(keep_background=False))
    report = mix(plan, tmp_path / "out.flac")
    out = levels(tmp_path / "out.flac")
    assert not out[:, : round(2.1 * RATE)].any()
    assert not out[:, round(3.61 * RATE) : round(5.0 * RATE) - 1].any()
    assert out[:, round(2.2 * RATE) : round(3.5 * RATE)].any()
    assert report.lines[0].lufs == pytest.approx(report.lines[0].source_lufs, abs=0.1)


def test_nothing_dubbed_is_the_original(tmp_path):
    plan = make(tmp_path, [], level=0.3)
    report = mix(plan, tmp_path / "out.flac")
    assert (levels(tmp_path / "out.flac") == levels(plan.original.path)).all()
    assert (report.exact_share, report.touched_s, report.range_change_lu) == (1, 0, 0)
    assert report.loudness_lufs == report.original_loudness_lufs


def test_loud_originals_pass_bit_for_bit(tmp_path):
    n = 3 * RATE
    loud = np.clip(noise(n, 0.8, 3, 2), -1, 1)
    loud[:, 5], loud[:, 6] = 1.0, -1.0
    original = open_audio(write_audio(Audio(loud, RATE), tmp_path / "loud.flac"))
    line = open_audio(write_audio(Audio(noise(4000, 0.1, 4), RATE), tmp_path / "line.flac"))
    quiet = open_audio(write_audio(Audio(loud * np.float32(0.1), RATE), tmp_path / "bed.flac"))
    plan = MixPlan(original, (PlacedLine(1.5, line, Span(1.5, 2.0)),), bed=quiet)
    report = mix(plan, tmp_path / "out.flac")
    assert report.is_exact_outside
    assert report.true_peak_dbtp > -1 >= report.touched_true_peak_dbtp
    assert "left as it is" in report.notes[0]


def test_a_line_that_the_limiter_held_down_is_told(tmp_path):
    n = 4 * RATE
    loud = noise(n, 0.35, 3)
    line = np.sin(np.arange(12000) * 1.7, dtype=np.float32)[None] * np.float32(0.1)
    line[0, ::9] *= 6  # peaks far above its loudness
    files = {"original": loud, "vocals": loud, "bed": loud * np.float32(0)}
    opened = {
        name: open_audio(write_audio(Audio(sound, RATE), tmp_path / f"{name}.flac"))
        for name, sound in {**files, "line": line}.items()
    }
    placed = PlacedLine(1.5, opened.pop("line"), Span(1.5, 3.0))
    plan = MixPlan(lines=(placed,), **opened)
    report = mix(plan, tmp_path / "out.flac")
    assert report.lines[0].error_lu < -1
    assert f"1 line is up to {-report.lines[0].error_lu:.1f} LU quieter" in report.notes[-1]


def test_stems_of_another_file_are_refused(tmp_path):
    plan = make(tmp_path, LINES)
    short = write_audio(plan.bed.cut(0, 3), tmp_path / "short.flac")
    with pytest.raises(BadInput, match="24000 samples"):
        mix(replace(plan, bed=open_audio(short)), tmp_path / "out.flac")


def test_it_can_be_stopped(tmp_path):
    plan = make(tmp_path, LINES)

    def stop(done, total):
        raise Cancelled("Stop")

    with pytest.raises(Cancelled):
        mix(plan, tmp_path / "out.flac", progress=stop)


def test_lines_of_another_rate_and_broken_numbers(tmp_path):
    plan = make(tmp_path, LINES)
    sound = noise(36000, 0.05, 5)
    sound[0, 100] = np.nan
    path = tmp_path / "line.wav"
    soundfile.write(path, sound.T, 24000, subtype="FLOAT")
    line = PlacedLine(2.1, open_audio(path), Span(2.0, 4.0))
    report = mix(replace(plan, lines=(line,)), tmp_path / "out.flac")
    assert report.lines[0].end_s == pytest.approx(3.6, abs=0.001)
    assert report.lines[0].lufs == pytest.approx(report.lines[0].source_lufs, abs=0.1)


def test_silent_sources_take_the_level_of_their_speaker(tmp_path):
    plan = make(tmp_path, LINES)
    elsewhere = replace(plan.lines[2], source=Span(6.6, 8.0))  # nobody spoke there
    report = mix(replace(plan, lines=(*plan.lines[:2], elsewhere)), tmp_path / "out.flac")
    assert report.lines[2].source_lufs is None
    assert report.lines[2].target_lufs == report.lines[0].source_lufs


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), level=st.floats(0.1, 3.0), channels=st.integers(1, 2))
def test_the_limiter_holds_true_peaks(seed, level, channels):
    limiter = Limiter(RATE)
    sound = noise(8000, level, seed, channels)
    gains = limiter.gains(sound)
    inner = sound[:, limiter.margin : 8000 - limiter.margin]
    if gains is None:
        assert highest_peak(sound) <= 10 ** (-1 / 20)
    else:
        assert gains.shape == (inner.shape[1],) and (gains <= 1).all()
        assert highest_peak((inner * gains).astype(np.float32)[:, 20:-20]) <= 10 ** (-1 / 20)


def test_real_speech_over_real_music(tmp_path):
    music = open_audio(shared("music/made_stems/accompaniment.flac")).read()
    talk = open_audio(shared("conversation/katiesteve_2spk.wav")).read()
    rate, n = music.sample_rate_hz, min(8 * music.sample_rate_hz, music.samples.shape[1])
    bed = music.samples[:, :n] * np.float32(0.1)
    speech = talk.resampled(rate).samples[:, :n] * np.float32(10)
    files = {}
    for name, sound in {"o": bed + speech, "b": bed, "v": np.repeat(speech, 2, axis=0)}.items():
        audio = Audio(sound.astype(np.float32), rate)
        files[name] = open_audio(write_audio(audio, tmp_path / f"{name}.flac"))
    line = open_audio(shared("speech/en_LJ001-0002.flac"))
    plan = MixPlan(
        files["o"],
        (PlacedLine(3.0, line, Span(2.5, 5.5), "S1"),),
        bed=files["b"],
        vocals=files["v"],
    )
    report = mix(plan, tmp_path / "out.flac")
    assert report.is_exact_outside
    assert report.bleed < 0.1
    assert abs(report.lines[0].error_lu) < 0.1
    assert abs(report.range_change_lu) < 4
    out = open_audio(tmp_path / "out.flac")
    voice = out.cut(3.0, 3.0 + line.duration_s)
    assert loudness_lufs(voice) == pytest.approx(report.lines[0].source_lufs, abs=1.0)
