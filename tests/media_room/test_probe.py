import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from media.decode import decode_audio
from media.probe import Limits, MediaInfo, choose_audio, probe
from studio.errors import BadInput, LimitReached
from tests.media import SHARED, shared

ODD = sorted(path.name for path in (SHARED / "odd").glob("*")) or ["(no shared media)"]
REFUSED = {
    *("exif_orientation_6.jpg", "picture.webp", "png_16bit.png", "png_half_transparent.png"),
    *("random_bytes.wav", "repo_200kB-garbage-prefix.mp3", "repo_awful.wav", "repo_bad.wav"),
    *("repo_chunk_out_of_range.mp4", "repo_truncated_skimage.jpg", "text_renamed.mp4"),
    *("tiny_face_48px.png", "truncated.jpg", "truncated_no_moov.mp4", "zero_byte.mp4"),
}


@pytest.mark.parametrize("name", ODD)
def test_every_odd_file_ends_in_a_result_or_a_sentence(name: str, tmp_path: Path) -> None:
    path = shared(f"odd/{name}")
    if name in REFUSED:
        with pytest.raises(BadInput) as caught:
            probe(path)
        assert caught.value.remedy
        assert str(path.parent) not in caught.value.sentence
        return
    info = probe(path)
    assert info.video is not None or info.audios
    assert 0 < info.duration_s < 300
    for number, audio in enumerate(info.audios):
        try:
            decoded = decode_audio(info, audio, tmp_path / f"{number}.flac")
        except BadInput:
            assert name == "repo_invalid_userdata.mp4"  # holds no whole packet of sound
            continue
        assert decoded.file.n_samples > 0
        assert decoded.start_s >= 0


def facts(name: str) -> MediaInfo:
    return probe(shared(f"odd/{name}"))


def test_reads_rotation_alpha_and_rates() -> None:
    rotated = facts("rotated_90.mp4").video
    assert rotated is not None
    assert (rotated.width, rotated.height, rotated.shown_size) == (288, 360, (360, 288))
    alpha = facts("alpha_vp9.webm").video
    assert alpha is not None and alpha.has_alpha
    varying = facts("variable_frame_rate.mp4").video
    assert varying is not None
    assert varying.fps == pytest.approx(18.5, abs=0.1)
    assert varying.nominal_fps == pytest.approx(29.97, abs=0.01)


def test_keeps_the_clock_of_the_file() -> None:
    stream = facts("interlaced_start10s.ts")
    assert stream.start_s == pytest.approx(11.389, abs=0.001)
    assert stream.duration_s == pytest.approx(3.0, abs=0.02)
    late = facts("av_offset_+300ms.mp4")
    assert late.audios[0].start_s == pytest.approx(0.3, abs=0.025)


def test_measures_what_the_header_does_not_say() -> None:
    assert facts("repo_no_duration.webm").duration_s == pytest.approx(4.94, abs=0.05)
    assert facts("wav_wrong_sizes.wav").duration_s == pytest.approx(4.0, abs=0.001)


def test_chooses_the_track_in_the_wanted_language() -> None:
    info = facts("two_audio_tracks_and_subs.mkv")
    english, spanish = info.audios
    assert choose_audio(info, "en") == choose_audio(info, "eng") == english
    assert choose_audio(info, "es-MX") == spanish
    assert choose_audio(info) == choose_audio(info, "fr") == spanish  # the default track
    assert choose_audio(facts("video_no_audio.mp4")) is None
    assert [each.language for each in info.subtitles] == ["en"]


def test_limits() -> None:
    path = shared("odd/rotated_90.mp4")
    for limits in (Limits(duration_s=1), Limits(side_px=100), Limits(size_bytes=10)):
        with pytest.raises(LimitReached):
            probe(path, limits=limits)


def test_nothing_is_longer_than_the_settings_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_MAX_MEDIA_HOURS", "0.0001")
    with pytest.raises(LimitReached, match="length in seconds"):
        probe(shared("odd/rotated_90.mp4"))


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server that writes down who asks it for anything."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


@pytest.mark.parametrize("name", ["a.m3u8", "a.mp4", "a.ffconcat", "a.sdp", "a.svg", "%03d.png"])
def test_hostile_files_read_nothing_and_ask_nothing(tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"RIFF\x24\0\0\0WAVEfmt ")
    with listening() as (address, asked):
        hostile = [
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}/a.ts\n#EXT-X-ENDLIST\n",
            f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n",
            f"ffconcat version 1.0\nfile {secret}\nfile {address}/b\n",
            f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5 RTP/AVP 0\na=c:{address}\n",
            f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{address}/c.png'/></svg>",
            f"<MPD><BaseURL>{address}/d</BaseURL></MPD>",
        ]
        for text in hostile:
            path = tmp_path / name
            path.write_text(text)
            with pytest.raises(BadInput):
                probe(path)
    assert asked == []


def test_a_movie_that_refers_to_another_file_reads_only_itself(tmp_path: Path) -> None:
    """QuickTime's data references may name other files: they are not followed."""
    data = shared("odd/audio_only.mp4").read_bytes()
    at = data.index(b"url \0\0\0\x01")
    target = b"file:///etc/hostname\0"
    hostile = data[:at] + b"url \0\0\0\0" + data[at + 8 :]  # "not in this file", then no address
    path = tmp_path / "ref.mp4"
    path.write_bytes(hostile.replace(b"isom", b"qt  ", 1) + target)
    with listening() as (_, asked):
        info = probe(path)
        with suppress(BadInput):
            decode_audio(info, info.audios[0], tmp_path / "out.flac")
    assert asked == []


@pytest.mark.parametrize(
    "name", ["-i.mp4", "a'b\"c.mp4", "new\nline.mp4", "ñ 日本 %d #1.mp4", "a:b.mp4"]
)
def test_difficult_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(shared("odd/audio_only.mp4").read_bytes())
    assert probe(path).duration_s == pytest.approx(11.0)
