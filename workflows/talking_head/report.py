"""What a talking head tells of itself: numbers with limits, for people and for programs."""

from collections.abc import Iterator

from studio import metrics
from studio.artefacts import Artefact
from studio.metrics import Metric
from studio.steps import Desk, step
from workflows.talking_head.request import TalkingHeadReport
from workflows.talking_head.talk import TARGET_LUFS

MOST_LAG_FRAMES, LEAST_CORRELATION, MOST_SILENT_OPENING = 1, 0.35, 0.3
LOUDNESS_LU, MOST_TRUE_PEAK_DBTP = 0.6, -1.0
LENGTH_FRAMES = 1.0
LEAST_PASTE_DB = 45.0


@step("Write the report")
def write_report(desk: Desk, report: TalkingHeadReport) -> Artefact:
    """Write the report for people."""
    path = desk.scratch / "report.md"
    path.write_text(readable(report), encoding="utf-8")
    return desk.keep(path, "text/markdown", "report.md")


def readable(report: TalkingHeadReport) -> str:
    """Return the report as Markdown."""
    size = f"{report.width_px} × {report.height_px}"
    summary = f"{report.duration_s:.1f} seconds in {report.frames} pictures of {size} pixels."
    told = (("What to know", report.warnings),)
    return metrics.readable("Talking head report", summary, report.metrics, told)


def measured(report: TalkingHeadReport, fps: int) -> tuple[Metric, ...]:
    """Return the numbers of a report, with their limits."""
    return (*_lips(report), *_sound(report), *_picture(report, fps), *_pasted(report))


def _lips(report: TalkingHeadReport) -> Iterator[Metric]:
    if report.lip_lag_frames is None or report.lip_correlation is None:
        return
    yield _made(
        "lip_lag",
        ("Lips", "Lag of the mouth", "against the sound, read back from the finished film"),
        (report.lip_lag_frames, "frames", f"at most ±{MOST_LAG_FRAMES}"),
        abs(report.lip_lag_frames) <= MOST_LAG_FRAMES,
    )
    yield _made(
        "lip_correlation",
        (
            "Lips",
            "Mouth and loudness",
            "how far the mouth's opening follows the speech; 1 is fully",
        ),
        (report.lip_correlation, "", f"at least {LEAST_CORRELATION}"),
        report.lip_correlation >= LEAST_CORRELATION,
    )
    if report.silent_opening is not None:
        yield _made(
            "silent_opening",
            ("Lips", "Mouth in silence", "how far it stands open there, of its widest in speech"),
            (report.silent_opening, "", f"at most {MOST_SILENT_OPENING}"),
            report.silent_opening <= MOST_SILENT_OPENING,
        )


def _sound(report: TalkingHeadReport) -> Iterator[Metric]:
    yield _made(
        "loudness",
        ("Sound", "Loudness", "of the whole, after EBU R 128"),
        (report.loudness_lufs, "LUFS", f"{TARGET_LUFS:.0f} ± {LOUDNESS_LU}"),
        abs(report.loudness_lufs - TARGET_LUFS) <= LOUDNESS_LU,
    )
    yield _made(
        "true_peak",
        ("Sound", "True peak", "the highest level between the samples"),
        (report.true_peak_dbtp, "dBTP", f"at most {MOST_TRUE_PEAK_DBTP:.0f}"),
        report.true_peak_dbtp <= MOST_TRUE_PEAK_DBTP,
    )


def _picture(report: TalkingHeadReport, fps: int) -> Iterator[Metric]:
    off = abs(report.frames - report.duration_s * fps)
    yield _made(
        "length",
        ("Picture", "Picture and sound", "how much the one is longer than the other"),
        (round(off, 2), "frames", f"at most {LENGTH_FRAMES:.0f}"),
        off <= LENGTH_FRAMES,
    )
    yield _made(
        "face_score",
        ("Picture", "Face", "how sure the finder is of it, 0 to 1"),
        (report.face_score, "", ""),
        None,
    )


def _pasted(report: TalkingHeadReport) -> Iterator[Metric]:
    if report.paste_psnr_db is None or report.paste_scale is None:
        return
    softer = report.paste_scale < 1  # the engine draws fewer pixels than the picture has there
    yield _made(
        "paste_psnr",
        (
            "Picture",
            "Face pasted back",
            "how much of the untouched face is left; no limit where the engine draws it smaller than it is in the picture, which makes it softer",
        ),
        (report.paste_psnr_db, "dB", "" if softer else f"at least {LEAST_PASTE_DB:.0f}"),
        None if softer else report.paste_psnr_db >= LEAST_PASTE_DB,
    )
    yield _made(
        "paste_exact",
        ("Picture", "Exact around it", "the rest of the picture stays bit for bit"),
        (float(report.paste_is_exact_outside or 0), "yes/no", "yes"),
        report.paste_is_exact_outside,
    )


def _made(
    name: str, told: tuple[str, str, str], value: tuple[float, str, str], passed: bool | None
) -> Metric:
    group, title, about = told
    number, unit, limit = value
    return Metric(
        name=name,
        title=title,
        group=group,
        value=number,
        unit=unit,
        limit=limit,
        passed=passed,
        about=about,
    )
