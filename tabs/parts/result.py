"""A finished job's files and numbers, whatever workflow made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.errors import NotFound, StudioError
from studio.jobs import Job
from studio.request import Report
from studio.studio import Studio

FILMS = {".mp4", ".mkv", ".webm", ".mov"}
SOUNDS = {".flac", ".wav", ".mp3", ".m4a", ".mka", ".ogg"}
PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
TEXTS = {".md"}


@dataclass(frozen=True, slots=True)
class ResultView:
    """Player, report and downloads."""

    group: gr.Column
    video: gr.Video
    audio: gr.Audio
    picture: gr.Image
    notes: gr.HTML
    report: gr.Markdown
    numbers: gr.JSON
    files: gr.File

    @property
    def outputs(self) -> list[Any]:
        """What `show` updates, in order."""
        parts: list[Component | gr.Column] = [self.group, self.video, self.audio, self.picture]
        return [*parts, self.notes, self.report, self.numbers, self.files]

    def show(self, studio: Studio, job: Job | None, owner: str) -> list[Any]:
        """Return updates of `outputs` for a job; all hidden where it has no result."""
        if job is None or job.state != "done":
            return [gr.update(visible=False), None, None, None, "", "", None, None]
        try:
            files = studio.export(job.id, owner)
            made: Report | None = getattr(studio.result(job.id, owner), "report", None)
        except NotFound as error:
            notes = f'<p class="note">{escape(error.sentence)}</p>'
            return [gr.update(visible=True), None, None, None, notes, "", None, None]
        film, sound, picture = (_first(files, kinds) for kinds in (FILMS, SOUNDS, PICTURES))
        text = _first(files, TEXTS)
        warnings = made.warnings if made else ()
        return [
            gr.update(visible=True),
            gr.update(value=film, visible=film is not None),
            gr.update(value=sound, visible=film is None and sound is not None),
            gr.update(value=picture, visible=picture is not None),
            "".join(f'<p class="note">{escape(each)}</p>' for each in warnings),
            tame(Path(text).read_text(encoding="utf-8")) if text else "",
            made.model_dump(mode="json", exclude={"warnings"}) if made else None,
            [str(path) for path in files.values()],
        ]


def tame(text: str) -> str:
    """Return Markdown in which names and spoken words bring no markup and fetch no pictures."""
    return text.replace("<", "&lt;").replace("![", "!\\[")


def result_view(prefix: str) -> ResultView:
    """Draw the parts, hidden until there is a result; `prefix` makes their element ids."""
    with gr.Column(visible=False, elem_id=f"{prefix}-result", elem_classes="card") as group:
        video = gr.Video(
            label="Result", elem_id=f"{prefix}-video", interactive=False, buttons=["download"]
        )
        audio = gr.Audio(
            label="Result",
            elem_id=f"{prefix}-audio",
            interactive=False,
            visible=False,
            buttons=["download"],
            waveform_options=gr.WaveformOptions(
                waveform_color="#c07aa8", waveform_progress_color="#87406f"
            ),
        )
        picture = gr.Image(label="Result", interactive=False, visible=False, buttons=["download"])
        notes = gr.HTML("", elem_classes="notes")
        with gr.Accordion("Report", open=False, elem_id=f"{prefix}-report-fold"):
            report = gr.Markdown("", elem_id=f"{prefix}-report")
            with gr.Accordion("In numbers", open=False, elem_classes="card-more"):
                numbers = gr.JSON(
                    label="In numbers",
                    show_label=False,
                    max_height=360,
                    elem_id=f"{prefix}-numbers",
                )
        with gr.Accordion("Files", open=False, elem_id=f"{prefix}-files-fold"):
            files = gr.File(
                label="Download",
                file_count="multiple",
                interactive=False,
                elem_id=f"{prefix}-files",
            )
    return ResultView(group, video, audio, picture, notes, report, numbers, files)


def find(studio: Studio, id_: str, owner: str) -> Job | None:
    """Return a job, or None where there is none of that id for that user."""
    if not id_:
        return None
    try:
        return studio.job(id_, owner)
    except StudioError:
        return None


def _first(files: Mapping[str, Path], kinds: set[str]) -> str | None:
    return next((str(path) for path in files.values() if path.suffix.lower() in kinds), None)
