"""What each metric of the report is called, measured in, and means."""

from dataclasses import dataclass

from workflows.dub.report import Group


@dataclass(frozen=True, slots=True)
class Kind:
    """A metric without its value."""

    name: str
    title: str
    group: Group
    unit: str
    about: str


KINDS = {
    each.name: each
    for each in (
        Kind("lines_cut", "Lines cut", "Timing", "lines", "lines whose end is missing"),
        Kind("lost", "Speech lost", "Timing", "s", "what those lines miss"),
        Kind(
            "self_overlap",
            "Talking over oneself",
            "Timing",
            "s",
            "two lines of one speaker at the same time",
        ),
        Kind(
            "flagged",
            "Lines flagged",
            "Timing",
            "lines",
            "lines that do not fit, or are not spoken; they are named below",
        ),
        Kind(
            "onset_error_mean",
            "Start off, mean",
            "Timing",
            "ms",
            "how far lines start from where they do in the source",
        ),
        Kind("onset_error_p95", "Start off, 95 % of lines", "Timing", "ms", "no more than this"),
        Kind(
            "early_share",
            "Lines early",
            "Timing",
            "%",
            "lines that start more than 150 ms before the source: before the lips move",
        ),
        Kind(
            "speech_overlap",
            "Speech overlap",
            "Timing",
            "%",
            "how much of the time when the source speaks the dub speaks too; a translation that is quickly said leaves gaps",
        ),
        Kind("speed_p95", "Speed, 95 % of the time", "Timing", "×", "1 is the voice's own speed"),
        Kind("speed_max", "Speed, fastest line", "Timing", "×", "faster is hard to follow"),
        Kind(
            "fast_share",
            "Time spoken fast",
            "Timing",
            "%",
            "share of the speaking time above 1.15 ×",
        ),
        Kind(
            "speed_jump",
            "Speed jump between neighbours",
            "Timing",
            "×",
            "how much a speaker changes speed from line to line, in the mean",
        ),
        Kind(
            "samples_exact",
            "Sound as long as the source",
            "Sound",
            "yes/no",
            "counted in the lossless mix",
        ),
        Kind(
            "exact_outside",
            "Original kept outside speech",
            "Sound",
            "yes/no",
            "compared in the lossless mix, sample by sample",
        ),
        Kind(
            "exact_share",
            "Untouched sound",
            "Sound",
            "%",
            "share of all samples that are the original's",
        ),
        Kind(
            "true_peak",
            "Loudest peak under the dub",
            "Sound",
            "dBTP",
            "true peak where the dub speaks; above, players distort",
        ),
        Kind(
            "bleed",
            "Original voice left",
            "Sound",
            "",
            "how much of the original voices is heard under the dub, 0 to 1",
        ),
        Kind(
            "loudness_error_p95",
            "Loudness off, 95 % of lines",
            "Sound",
            "LU",
            "against the source line that it replaces",
        ),
        Kind(
            "loudness_error_max",
            "Loudness off, worst line",
            "Sound",
            "LU",
            "against the source line that it replaces",
        ),
        Kind(
            "duck_min",
            "Background lowered, least",
            "Sound",
            "dB",
            "under a line, with the way down and up",
        ),
        Kind(
            "duck_max",
            "Background lowered, most",
            "Sound",
            "dB",
            "under a line, with the way down and up",
        ),
        Kind(
            "range_change",
            "Loudness range changed",
            "Sound",
            "LU",
            "a large change is heard as pumping; not judged in less than a minute",
        ),
        Kind(
            "picture_copied",
            "Picture copied",
            "Picture",
            "yes/no",
            "not judged where captions are drawn in, or the new container wraps packets otherwise",
        ),
        Kind(
            "stream_length_error",
            "Streams as long as the source",
            "Picture",
            "ms",
            "how far off the worst stream is",
        ),
        Kind("lips_shots", "Shots with new lips", "Picture", "shots", "in which a speaker is seen"),
        Kind(
            "lips_before",
            "Old lips and the dub",
            "Picture",
            "",
            "how the opening of the mouths goes with the level of the dub, at the best lag: 1 is together",
        ),
        Kind(
            "lips_after", "New lips and the dub", "Picture", "", "the same, read from the new film"
        ),
        Kind("lips_lag", "Lips late", "Picture", "frames", "below 0: early"),
        Kind(
            "subtitle_rules",
            "Subtitle rules broken",
            "Subtitles",
            "lines",
            "two lines, 42 characters, 5/6 to 7 s, and slow enough to read",
        ),
        Kind(
            "length_compliance",
            "Translations of like length",
            "Text",
            "%",
            "lines within 10 % of the source's characters",
        ),
        Kind(
            "rate_compliance",
            "Lines at the speaker's own rate",
            "Text",
            "%",
            "within 20 % of the speaker's usual syllables a second",
        ),
        Kind(
            "odd_texts",
            "Texts that nobody can have said",
            "Text",
            "lines",
            "the same words over and over, or more than 30 characters a second",
        ),
    )
}
