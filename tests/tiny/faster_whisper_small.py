"""The tiny Whisper, converted by CTranslate2's own converter.

CTranslate2 tells by the empty text in the vocabulary that a Whisper knows languages.
"""

import shutil
import tempfile
from pathlib import Path

from tests.tiny import whisper_large_v3

SETTINGS = {"compute": "float32", "batch": 4, "threads": 1}


def make(folder, mels=80):
    """Write it."""
    from ctranslate2.converters import TransformersConverter

    source = Path(tempfile.mkdtemp(dir=folder.parent))
    whisper_large_v3.make(source, mels)
    copied = ["tokenizer.json", "preprocessor_config.json"]
    TransformersConverter(str(source), copy_files=copied).convert(str(folder), force=True)
    shutil.rmtree(source)
