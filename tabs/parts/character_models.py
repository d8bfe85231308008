"""What was trained of a character: LoRA files of the look, an RVC voice. A fold of the character's form."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from studio.artefacts import Artefact
from studio.characters import Character, Lora
from studio.errors import BadInput
from studio.model_files import MEDIA_TYPES, Kind, check_look, check_voice, is_index
from studio.studio import Studio
from tabs.parts.cards import size
from tabs.parts.form import uploaded


@dataclass(frozen=True, slots=True)
class ModelFields:
    """The components."""

    loras: gr.File
    triggers: gr.Textbox
    models: gr.File
    kept: gr.CheckboxGroup

    @property
    def values(self) -> list[Any]:
        """What the user fills in, in order."""
        return [self.loras, self.triggers, self.models, self.kept]


def draw_models() -> ModelFields:
    """Draw the fold."""
    with gr.Accordion("Advanced: a trained look or voice", open=False, elem_classes="card-more"):
        loras = gr.File(
            label="LoRA files of the look (.safetensors)",
            file_count="multiple",
            file_types=[".safetensors"],
            type="filepath",
            height=118,
            elem_id="character-loras",
        )
        triggers = gr.Textbox(
            label="Trigger words",
            info="One line for each LoRA, in their order. Kept for the tabs that will paint the "
            "character; none does yet",
            lines=1,
            max_lines=8,
            elem_id="character-triggers",
        )
        models = gr.File(
            label="RVC voice: the model (.pth, .safetensors), and its .index if there is one",
            file_count="multiple",
            file_types=[".pth", ".safetensors", ".index"],
            type="filepath",
            height=118,
            elem_id="character-models",
        )
        gr.HTML(
            '<p class="hint">Kept for the tabs that will turn voices into it; none does yet.</p>'
        )
        kept = gr.CheckboxGroup(
            [], label="Files it has", info="Untick what is to go", elem_id="character-kept"
        )
    return ModelFields(loras, triggers, models, kept)


def show_models(character: Character | None) -> list[Any]:
    """Return updates of `ModelFields.values`."""
    loras = character.loras if character else ()
    files = [*(each.weights for each in loras), *(character.voice.models if character else ())]
    choices = [(f"{each.name} ({size(each.size_bytes)})", each.sha256) for each in files]
    kept = gr.update(choices=choices, value=[each.sha256 for each in files], visible=bool(choices))
    return [None, "\n".join(each.trigger for each in loras), None, kept]


def read_models(
    studio: Studio, known: Character, values: Sequence[Any]
) -> tuple[tuple[Lora, ...], tuple[Artefact, ...]]:
    """Return the LoRAs and the voice's files: those that stay, then those that are new.

    Raises:
        BadInput: if a file is not what it should be, or an index comes without a model.
    """
    new_loras, triggers, new_models, ticked = values
    kept = set[str](ticked or ())
    old = [each.weights for each in known.loras if each.weights.sha256 in kept]
    weights = _once([*old, *(_taken(studio, each, check_look) for each in new_loras or ())])
    words = [line.strip() for line in str(triggers or "").splitlines()]
    words += [""] * (len(weights) - len(words))
    models = [each for each in known.voice.models if each.sha256 in kept]
    models = _once([*models, *(_taken(studio, each, check_voice) for each in new_models or ())])
    if models and all(map(is_index, models)):
        raise BadInput(
            f"{models[0].name} is the index of a voice without its model",
            remedy="Give the model too.",
        )
    loras = (Lora(weights=each, trigger=word) for each, word in zip(weights, words, strict=False))
    return tuple(loras), tuple(models)


def _taken(studio: Studio, path: str, check: Callable[[Path, str], Kind]) -> Artefact:
    real = uploaded(path)
    return studio.store.take_in(real, MEDIA_TYPES[check(real, real.name)], real.name)


def _once(files: Sequence[Artefact]) -> list[Artefact]:
    return list({each.sha256: each for each in files}.values())
