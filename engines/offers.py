"""What a person may choose where a field names something that is here: an engine, a voice, a format, a style."""

from engines import catalog
from media.captions import caption_styles
from media.formats import formats
from media.languages import language_name
from studio.fields import FieldView

Offers = list[tuple[str, str]]
"""(title, id) of each."""


def offers(view: FieldView) -> Offers:
    """Return what is here for a field, by what its `json_schema_extra` says; none: it names nothing."""
    if "engine_of" in view.extra:
        known = catalog.entries(view.extra["engine_of"]).values()
        return [(_marked(each), each.id) for each in known]
    if "voice" in view.extra:
        return voices()
    if "quality" in view.extra:
        return [(each.capitalize(), each) for each in catalog.qualities()]
    if "format" in view.extra:
        return [
            (f"{each.title} ({each.width_px} × {each.height_px})", each.id)
            for each in formats().values()
        ]
    if "caption_style" in view.extra:
        return [(each.title, each.id) for each in caption_styles().values()]
    return []


def voices() -> Offers:
    """Return every built-in voice, its languages in its title."""
    return [
        (f"{each.title} ({', '.join(map(language_name, each.languages))})", each.id)
        for each in catalog.voices().values()
    ]


def offered(view: FieldView) -> list[str]:
    """Return the ids of what is here for a field."""
    return [id_ for _, id_ in offers(view)]


def _marked(engine: catalog.Entry) -> str:
    """Return its title, and the mark of a licence that forbids commercial use."""
    return engine.title if engine.commercial is not False else f"{engine.title}, not commercial"
