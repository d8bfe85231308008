from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from media.containers import has_index, recognise
from studio.errors import BadInput
from tests.media import shared

ALLOWED = {
    *("mov", "matroska", "wav", "avi", "w64", "aiff", "caf", "au", "flac", "ogg", "flv", "asf"),
    *("mpeg", "mpegvideo", "gif", "amr", "wv", "ape", "tta", "mpegts", "aac", "mp3"),
}


def written(folder: Path, content: bytes, name: str = "clip.mp4") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes)"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "list of files"),
        (b"\xef\xbb\xbfffconcat version 1.0\nfile /etc/passwd\n", "list of files"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\n", "SDP"),
        (b"<?xml version='1.0'?><svg><image href='file:///etc/passwd'/></svg>", "markup"),
        (b"<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>", "markup"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "picture"),
        (b"PK\x03\x04rest", "archive"),
        ("señores, esto es un texto".encode(), "is a text"),
        (b"\xde\xad\xbe\xef" * 100, "de ad be ef"),
    ],
)
def test_says_what_was_seen(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=r".") as caught:
        recognise(written(tmp_path, content), "my film")
    assert words in caught.value.sentence
    assert caught.value.sentence.startswith("my film ")
    assert "\n" not in caught.value.sentence


@settings(deadline=None)
@given(st.binary(max_size=2000))
@example(b"ID3\x04\0\0\x7f\x7f\x7f\x7f")
@example(b"\xff\xfb\x90\x64" * 2)
@example(b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff")
def test_any_bytes_end_in_an_allowed_format_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = written(tmp_path_factory.mktemp("bytes"), content)
    with suppress(BadInput):
        assert recognise(path).demuxer in ALLOWED


def test_the_name_plays_no_part(tmp_path: Path) -> None:
    flac = shared("odd/clipped.flac").read_bytes()
    assert recognise(written(tmp_path, flac, "list.m3u8")).demuxer == "flac"
    assert recognise(written(tmp_path, flac, "concat:a|b.ffconcat")).demuxer == "flac"


def test_a_tag_in_front_is_stepped_over(tmp_path: Path) -> None:
    flac = shared("odd/clipped.flac").read_bytes()
    tag = b"ID3\x04\0\0\0\x05\0\0" + bytes(5 << 14)
    assert recognise(written(tmp_path, tag + flac)).demuxer == "flac"


def test_finds_a_missing_index() -> None:
    assert has_index(shared("odd/truncated_faststart.mp4"))
    assert not has_index(shared("odd/truncated_no_moov.mp4"))
