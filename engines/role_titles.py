"""What people call the roles: by what they do, never by the name of a Protocol."""

from media.languages import language_name
from studio.workflow import Need

ROLES = {
    "SpeechDetector": "Finds speech",
    "Separator": "Takes voices apart",
    "Diarizer": "Tells speakers apart",
    "Transcriber": "Writes down",
    "Aligner": "Times the words",
    "Translator": "Translates",
    "Writer": "Shortens",
    "Speaker": "Speaks",
    "VoiceConverter": "Turns voices",
    "FaceFinder": "Finds the face",
    "FaceSpotter": "Spots small faces",
    "PhoneAligner": "Times the sounds",
    "PortraitAnimator": "Moves the face",
    "PortraitDriver": "Moves the face like the video's",
    "ImageMaker": "Makes pictures",
    "Segmenter": "Cuts people out",
    "LipSyncer": "Moves filmed lips",
}
"""What each role does, in the order in which a job calls for them."""


def lack(need: Need) -> str:
    """Return that nothing serves a need, without a full stop: "nothing here speaks Welsh"."""
    here, there = language_name(need.language), language_name(need.target_language)
    tongue = f" from {here or 'any language'} to {there}" if there else f" {here}" * bool(here)
    who = f"nothing called {need.engine!r} here" if need.engine else "nothing here"
    return f"{who} {ROLES.get(need.role, need.role).lower()}{tongue}"
