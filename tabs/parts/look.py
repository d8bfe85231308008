"""How the studio looks: one theme, light and dark, one style sheet, one mark."""

from pathlib import Path

from gradio import themes

CSS = Path(__file__).parents[2] / "assets" / "css" / "studio.css"
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

MARK = """
<header class="masthead">
<svg viewBox="0 0 40 40" width="34" height="34" aria-hidden="true">
<rect x="1" y="1" width="38" height="38" rx="10" fill="var(--color-accent)"/>
<path d="M9 10v11a11 11 0 0 0 22 0V10" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round"/>
<circle cx="20" cy="15" r="3.4" fill="#fff"/></svg>
<h1>Understudy</h1>
<button type="button" class="lamp" aria-label="Light or dark" title="Light or dark"
 onclick="document.body.classList.toggle('dark')">◐</button>
</header>
"""


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
