"""Speaks a text with eSpeak NG and writes when each word and sound begins; run as a program.

Reads one JSON object from standard input: text, voice (eSpeak NG's name), wave (a path to write).
Writes one JSON object: sample_rate_hz, words [[start_s, first character, characters]] and phones
[[start_s, IPA]]. A process of its own, since the library (GPL-3) is only ever called beside us.
https://github.com/espeak-ng/espeak-ng/blob/master/src/include/espeak-ng/speak_lib.h
"""

import ctypes
import ctypes.util
import json
import sys
import wave
from typing import Any

SYNCHRONOUS, WITH_PHONES, IN_IPA, STAY_ALIVE = 2, 1, 2, 0x8000
BY_CHARACTER, UTF8 = 1, 1
WORD, PHONE = 1, 7


class _Name(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Name),
    )


def main() -> None:
    """Read the request, speak, answer."""
    asked: dict[str, Any] = json.load(sys.stdin)
    library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
    rate_hz = library.espeak_Initialize(SYNCHRONOUS, 200, None, WITH_PHONES | IN_IPA | STAY_ALIVE)
    blocks: list[bytes] = []
    words: list[tuple[float, int, int]] = []
    phones: list[tuple[float, str]] = []

    def take(samples: Any, count: int, events: Any) -> int:
        if count > 0:
            blocks.append(ctypes.string_at(samples, 2 * count))
        index = 0
        while events[index].type:
            event = events[index]
            at_s = event.sample / rate_hz
            if event.type == WORD:
                words.append((at_s, event.text_position - 1, event.length))
            elif event.type == PHONE:
                phones.append((at_s, event.id.string.decode("utf-8", "ignore")))
            index += 1
        return 0

    callback_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event)
    )
    callback = callback_type(take)
    library.espeak_SetSynthCallback(callback)
    if rate_hz <= 0 or library.espeak_SetVoiceByName(asked["voice"].encode()):
        sys.exit(f"eSpeak NG has no voice {asked['voice']!r}")
    text = asked["text"].encode() + b"\0"
    library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, BY_CHARACTER, 0, UTF8, None, None)
    library.espeak_Synchronize()
    with wave.open(asked["wave"], "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(b"".join(blocks))
    json.dump({"sample_rate_hz": rate_hz, "words": words, "phones": phones}, sys.stdout)


if __name__ == "__main__":
    main()
