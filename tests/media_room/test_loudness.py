"""Loudness and true peak against ffmpeg's own meters, and against what theory says."""

import re
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.audio import Audio, open_audio, write_audio
from media.loudness import (
    SILENT_LUFS,
    LoudnessMeter,
    db_to_gain,
    gain_to_db,
    gain_to_match_db,
    highest_peak,
    loudness_lufs,
    true_peak_dbtp,
)
from media.tools import find_ffmpeg
from tests.media import shared


def tone(hz, seconds, rate, level=0.5, channels=1):
    wave = level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return Audio(np.tile(wave.astype(np.float32), (channels, 1)), rate)


def measured(audio):
    meter = LoudnessMeter(audio.sample_rate_hz, audio.channels)
    for block in audio.blocks(10.0):
        meter.add(block.samples)
    return meter


def ebur128(path):
    command = [find_ffmpeg(), "-nostats", "-i", path, "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    summary = said[said.rindex("Summary") :]
    return [float(re.search(rf"{name}:\s+(-?[\d.]+)", summary)[1]) for name in ("I", "LRA", "Peak")]


@pytest.mark.parametrize(
    "name",
    [
        "speech/en_jfk.flac",
        "conversation/katiesteve_2spk.wav",
        "music/made_stems/mixture.flac",
        "speech/en_LJ001-0001.flac",
    ],
)
def test_agrees_with_ffmpeg(name):
    audio = open_audio(shared(name))
    loudness, _, peak = ebur128(audio.path)
    assert measured(audio).integrated_lufs == pytest.approx(loudness, abs=0.1)
    assert true_peak_dbtp(audio.read()) == pytest.approx(peak, abs=0.2)


def test_range_agrees_with_ffmpeg(tmp_path):
    rng = np.random.default_rng(1)
    levels = np.repeat(rng.uniform(-40, -15, 30), 4 * 16000)
    noise = rng.standard_normal(len(levels)) * 10 ** (levels / 20)
    path = write_audio(Audio(noise[None].astype(np.float32), 16000), tmp_path / "noise.flac")
    assert measured(open_audio(path)).range_lu == pytest.approx(ebur128(path)[1], abs=0.6)


def test_a_1khz_tone_is_as_loud_as_the_standard_says():
    # BS.1770: 0 dBFS at 997 Hz in one channel is -3.01 LKFS.
    assert loudness_lufs(tone(997, 3, 48000, 1.0)) == pytest.approx(-3.01, abs=0.03)
    assert loudness_lufs(tone(997, 3, 48000, 1.0, channels=2)) == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.25, 0.39])
def test_short_sounds_have_a_loudness(seconds):
    assert loudness_lufs(tone(1000, seconds, 16000)) == pytest.approx(-9.1, abs=1.0)


@pytest.mark.parametrize("n", [0, 1, 100, 16000])
def test_silence_is_no_infinity(n):
    audio = Audio(np.zeros((1, n), np.float32), 16000)
    assert loudness_lufs(audio) == SILENT_LUFS
    assert true_peak_dbtp(audio) == -120
    assert gain_to_match_db(loudness_lufs(audio), -20) == 0


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 40000), max_size=5))
def test_blocks_of_any_size_measure_the_same(cuts):
    audio = np.random.default_rng(7).standard_normal((2, 40000)).astype(np.float32) * 0.1
    whole, parts = LoudnessMeter(16000, 2), LoudnessMeter(16000, 2)
    whole.add(audio)
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 40000], strict=True):
        parts.add(audio[:, start:stop])
    assert parts.integrated_lufs == pytest.approx(whole.integrated_lufs, abs=1e-9)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("target", [-35.0, -23.0, -14.0])
def test_matching_makes_the_line_as_loud_as_its_source(channels, target):
    line = open_audio(shared("speech/en_LJ001-0004.flac")).read()
    gain = db_to_gain(gain_to_match_db(loudness_lufs(line), target, channels))
    placed = Audio(np.tile(line.samples * np.float32(gain), (channels, 1)), line.sample_rate_hz)
    assert loudness_lufs(placed) == pytest.approx(target, abs=0.01)


def test_gains_stay_sane():
    whisper = tone(300, 2, 16000, 1e-3)
    assert gain_to_match_db(loudness_lufs(whisper), -5) == 30
    assert gain_to_db(db_to_gain(-7.5)) == pytest.approx(-7.5)


def test_the_true_peak_lies_between_the_samples():
    # A quarter of the sampling rate, caught 45° off its crests: samples reach 0.707 of the peak.
    wave = np.sin(np.pi / 2 * np.arange(4000) + np.pi / 4).astype(np.float32)[None]
    assert np.abs(wave).max() == pytest.approx(0.7071, abs=1e-3)
    assert highest_peak(wave[:, 500:3500]) == pytest.approx(1.0, abs=0.05)
