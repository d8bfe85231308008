"""The portrait in the form: what the finder says of it, and five points to drag where it is unsure."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from engines import catalog
from studio.errors import BadInput
from studio.workflow import Need
from tabs.parts.border import border
from tabs.parts.form import Form, stored
from tabs.parts.page import ACT, QUIET, Page
from workflows.talking_head import portrait

if TYPE_CHECKING:
    from media.pictures import Pixels

SHOWN_PX = 480
AROUND = 2.0  # of the points' spread, each way
NAMES = (
    "Left eye",
    "Right eye",
    "Tip of the nose",
    "Left corner of the mouth",
    "Right corner of the mouth",
)
USUAL = ((0.41, 0.38), (0.59, 0.38), (0.5, 0.49), (0.43, 0.58), (0.57, 0.58))
LOOKING = "path => ({ picture: '', told: path ? 'Looking for the face…' : '' })"
UNLOOKED = "The face is looked for when the job starts."
PLACE = "Drag the five points to the eyes, the tip of the nose and the corners of the mouth"
PLACED = "Drag a point that is not on its eye, the tip of the nose or its corner of the mouth"
KEYS = "; arrow keys move the one in focus."

TEMPLATE = """
{{#if value.picture}}
<details class="face" open>
  <summary class="{{#if value.unsure}}lack{{/if}}">{{value.told}}</summary>
  <p class="hint">{{value.advice}}</p>
  <div class="face-stage" data-part="{{value.part}}"><img src="{{value.picture}}" alt="The portrait with five points on its face" draggable="false">
  {{#each value.points}}
  <button type="button" class="face-point" style="left:{{this.x}}%;top:{{this.y}}%" aria-label="{{this.name}}"
    title="{{this.name}}"></button>
  {{/each}}
  </div>
</details>
{{else}}{{#if value.told}}<p class="hint" role="status">{{value.told}}</p>{{/if}}
{{/if}}
"""

SCRIPT = """
const dots = () => [...element.querySelectorAll('.face-point')];
const place = (dot, x, y) => {
  dot.style.left = Math.min(100, Math.max(0, x)) + '%';
  dot.style.top = Math.min(100, Math.max(0, y)) + '%';
};
const tell = () => {
  const [left, top, width, height] = element.querySelector('.face-stage').dataset.part.split(' ').map(Number);
  trigger('select', { points: dots().map((dot) =>
    [left + width * parseFloat(dot.style.left) / 100, top + height * parseFloat(dot.style.top) / 100]) });
};
const bind = () => dots().forEach((dot) => {
  if (dot.dataset.bound) return;
  dot.dataset.bound = 'yes';
  dot.addEventListener('pointerdown', (event) => {
    dot.setPointerCapture(event.pointerId);
    dot.focus();
    event.preventDefault();
  });
  dot.addEventListener('pointermove', (event) => {
    if (!dot.hasPointerCapture(event.pointerId)) return;
    const box = dot.parentElement.getBoundingClientRect();
    place(dot, 100 * (event.clientX - box.left) / box.width, 100 * (event.clientY - box.top) / box.height);
    dot.dataset.moved = 'yes';
  });
  dot.addEventListener('pointerup', () => { if (dot.dataset.moved) tell(); delete dot.dataset.moved; });
  dot.addEventListener('keydown', (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    const far = event.shiftKey ? 2 : 0.4;
    place(dot, parseFloat(dot.style.left) + far * way[0], parseFloat(dot.style.top) + far * way[1]);
    event.preventDefault();
  });
  dot.addEventListener('keyup', (event) => { if (event.key.startsWith('Arrow')) tell(); });
});
bind();
watch('value', bind);
new MutationObserver(bind).observe(element, { childList: true, subtree: true });
"""


def face_points() -> gr.HTML:
    """Draw the picture with its points; nothing is seen before there is a picture."""
    return gr.HTML(
        {"picture": ""},
        html_template=TEMPLATE,
        js_on_load=SCRIPT,
        elem_id="face-points",
        container=False,
    )


def wire_face_points(page: Page, form: Form[Any], shown: gr.HTML) -> None:
    """Look at every new picture, and write dragged points into the form's field."""
    picture, points = form.components["avatar"], form.components["points"]

    @border
    def look(path: str | None) -> list[Any]:
        if not path:
            return [{"picture": ""}, gr.skip()]  # a kept picture has kept points
        return [seen(page, path), ""]

    @border
    def moved(event: gr.EventData) -> str:
        places: Sequence[Sequence[float]] = event.points
        return "\n".join(f"{x:.4f},{y:.4f}" for x, y in places)

    changed = getattr(picture, "change")  # noqa: B009 - declared on each component
    changed(None, picture, shown, js=LOOKING, **QUIET)
    changed(look, picture, [shown, points], **ACT)
    shown.select(moved, None, points, **QUIET)


def seen(page: Page, path: str) -> Mapping[str, Any]:
    """Return what the component shows of an uploaded picture."""
    from media.pictures import read_picture  # noqa: PLC0415 - heavy

    store = page.studio.store
    try:
        pixels = read_picture(store.path(stored(store, path)), longest_px=portrait.LONGEST_PX)
    except BadInput:
        return {"picture": ""}  # the job's own check says what is wrong
    found = judged(pixels)
    return _value(pixels, found.told, found.five or USUAL, unsure=found.unsure)


def judged(pixels: "Pixels") -> portrait.Judged:
    """Return what the finder says of a picture, if it can be asked at once."""
    needs = Need("FaceFinder"), Need("FaceSpotter", optional=True)
    finder, spotter = (_light(each) for each in catalog.choose(needs, ""))
    if finder is None:
        return portrait.Judged(UNLOOKED, (), unsure=False)
    return portrait.judge(finder, pixels, spotter)


def _light(choice: catalog.Choice) -> Any:
    """Return the engine, unless it has networks, which the manager alone lends."""
    engine = choice.engine.build() if choice.engine else None
    return None if hasattr(engine, "networks") else engine


def _around(pixels: "Pixels", five: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    """Return the part of a picture around a face, so that its points lie apart.

    Returns:
        Left, top, width and height in shares of the picture.
    """
    tall_px, wide_px = pixels.shape[:2]
    across = [x * wide_px for x, _ in five]
    down = [y * tall_px for _, y in five]
    reach_px = AROUND * max(max(across) - min(across), max(down) - min(down))
    sides: list[float] = []
    for places, whole_px in ((across, wide_px), (down, tall_px)):
        middle = (min(places) + max(places)) / 2
        low, high = max(0.0, middle - reach_px), min(float(whole_px), middle + reach_px)
        sides += [low / whole_px, (high - low) / whole_px]
    return sides[0], sides[2], sides[1], sides[3]


def _value(
    pixels: "Pixels", told: str, five: Sequence[Sequence[float]], *, unsure: bool
) -> Mapping[str, Any]:
    from PIL import Image  # noqa: PLC0415 - heavy

    left, top, width, height = part = (0.0, 0.0, 1.0, 1.0) if unsure else _around(pixels, five)
    tall_px, wide_px = pixels.shape[:2]
    box = (left * wide_px, top * tall_px, (left + width) * wide_px, (top + height) * tall_px)
    small = Image.fromarray(pixels).crop(box)
    scale = SHOWN_PX / max(small.size)
    small = small.resize((round(small.width * scale), round(small.height * scale)))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    places = [
        {
            "name": name,
            "x": round(100 * (x - left) / width, 2),
            "y": round(100 * (y - top) / height, 2),
        }
        for name, (x, y) in zip(NAMES, five, strict=True)
    ]
    return {
        "picture": f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}",
        "told": told,
        "part": " ".join(f"{each:.5f}" for each in part),
        "advice": (PLACE if unsure else PLACED) + KEYS,
        "points": places,
        "unsure": unsure,
    }
