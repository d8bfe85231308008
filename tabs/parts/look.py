"""How the studio looks: one theme, light and dark, one style sheet, one mark."""

from pathlib import Path

from gradio import themes

ASSETS = Path(__file__).parents[2] / "assets"
NAME = "Understudy"
MOTTO = "speaks your part in every language"
LAMP = (
    '<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">'
    '<circle cx="12" cy="12" r="8" fill="none" stroke="currentColor" stroke-width="2"/>'
    '<path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/></svg>'
)
FONT = ["ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
MONO = ["ui-monospace", "Cascadia Mono", "Menlo", "monospace"]

PLUM = themes.Color(
    name="plum",
    c50="#fbf5f9",
    c100="#f5e7f0",
    c200="#e9cbdf",
    c300="#d8a5c6",
    c400="#c07aa8",
    c500="#a2558a",
    c600="#87406f",
    c700="#6d335a",
    c800="#552947",
    c900="#402036",
    c950="#2a1524",
)

ICON = ASSETS / "icon.svg"  # an actor on a stage, and one behind who knows the part


def masthead() -> str:
    """Return the top of the page: the mark, the name, the lamp."""
    mark = ICON.read_text(encoding="utf-8").replace("<svg ", '<svg aria-hidden="true" ', 1)
    return (
        f'<header class="masthead">{mark}<h1>{NAME}</h1><p class="motto">{MOTTO}</p>'
        '<button type="button" class="lamp" aria-label="Light or dark" title="Light or dark">'
        f"{LAMP}</button></header>"
    )


def styles() -> list[Path]:
    """Return the style sheets."""
    return sorted((ASSETS / "css").glob("*.css"))


def head() -> str:
    """Return what stands in the page's head: its own script, and nothing from elsewhere."""
    script = (ASSETS / "js" / "studio.js").read_text(encoding="utf-8")
    return f"<script>{script}</script>"


def theme() -> themes.Base:
    """Return the theme; its fonts are the system's, nothing is fetched."""
    return themes.Base(
        primary_hue=PLUM,
        secondary_hue=PLUM,
        neutral_hue=themes.colors.stone,
        font=FONT,
        font_mono=MONO,
        radius_size=themes.sizes.radius_lg,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="#171416",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#211d20",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="#1b181a",
        block_background_fill_dark="#211d20",
        block_border_width="0px",
        block_shadow="none",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_text_color="#ffffff",
        color_accent="*primary_600",
        input_background_fill="*neutral_50",
        input_background_fill_dark="#171416",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
