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

SAND = themes.Color(
    name="sand",
    c50="#faf7f5",
    c100="#f3eeeb",
    c200="#e6dedb",
    c300="#d3c8c4",
    c400="#a3958f",
    c500="#7d6e68",
    c600="#62544f",
    c700="#4a3f3b",
    c800="#332b2b",
    c900="#231c20",
    c950="#171216",
)

LIGHT = {
    "body_background_fill": "*neutral_50",
    "background_fill_primary": "#ffffff",
    "background_fill_secondary": "*neutral_50",
    "body_text_color": "*neutral_900",
    "body_text_color_subdued": "*neutral_600",
    "border_color_primary": "*neutral_200",
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_padding": "0",
    "block_label_background_fill": "transparent",
    "block_label_border_width": "0px",
    "block_label_text_color": "*neutral_600",
    "block_title_text_color": "*neutral_900",
    "block_title_text_weight": "600",
    "block_info_text_color": "*neutral_600",
    "input_background_fill": "#ffffff",
    "input_border_color": "*neutral_300",
    "input_border_color_focus": "*primary_600",
    "input_border_width": "1px",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_hover": "*neutral_100",
    "checkbox_label_background_fill_selected": "*primary_100",
    "checkbox_label_border_color": "*neutral_300",
    "checkbox_label_border_width": "1px",
    "checkbox_border_color": "*neutral_400",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_text_color": "#ffffff",
    "button_secondary_background_fill": "#ffffff",
    "button_secondary_background_fill_hover": "*neutral_100",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_text_color": "*neutral_800",
    "button_cancel_background_fill": "#ffffff",
    "button_cancel_background_fill_hover": "#fdecea",
    "button_cancel_border_color": "#d9a29d",
    "button_cancel_text_color": "#8c1d18",
    "button_border_width": "1px",
    "color_accent": "*primary_600",
    "color_accent_soft": "*primary_100",
    "slider_color": "*primary_600",
    "link_text_color": "*primary_700",
    "link_text_color_hover": "*primary_800",
    "table_border_color": "*neutral_200",
    "table_even_background_fill": "#ffffff",
    "table_odd_background_fill": "*neutral_50",
}

DARK = {
    "body_background_fill_dark": "*neutral_950",
    "background_fill_primary_dark": "*neutral_900",
    "background_fill_secondary_dark": "*neutral_950",
    "body_text_color_dark": "*neutral_100",
    "body_text_color_subdued_dark": "#c0b3ae",
    "border_color_primary_dark": "#40353b",
    "block_background_fill_dark": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_label_text_color_dark": "#c0b3ae",
    "block_title_text_color_dark": "*neutral_100",
    "block_info_text_color_dark": "#c0b3ae",
    "input_background_fill_dark": "*neutral_950",
    "input_border_color_dark": "#54464d",
    "input_border_color_focus_dark": "*primary_400",
    "checkbox_label_background_fill_dark": "transparent",
    "checkbox_label_background_fill_hover_dark": "*neutral_800",
    "checkbox_label_background_fill_selected_dark": "*primary_800",
    "checkbox_label_border_color_dark": "#54464d",
    "checkbox_label_text_color_selected_dark": "#ffffff",
    "checkbox_background_color_dark": "*neutral_950",
    "checkbox_border_color_dark": "#8d7d80",
    "button_primary_background_fill_dark": "*primary_500",
    "button_primary_background_fill_hover_dark": "*primary_600",
    "button_primary_text_color_dark": "#ffffff",
    "button_secondary_background_fill_dark": "*neutral_900",
    "button_secondary_background_fill_hover_dark": "*neutral_800",
    "button_secondary_border_color_dark": "#54464d",
    "button_secondary_text_color_dark": "*neutral_100",
    "button_cancel_background_fill_dark": "*neutral_900",
    "button_cancel_background_fill_hover_dark": "#3a1d1c",
    "button_cancel_border_color_dark": "#7d4742",
    "button_cancel_text_color_dark": "#ffb4ab",
    "color_accent_soft_dark": "*primary_900",
    "slider_color_dark": "*primary_400",
    "link_text_color_dark": "*primary_300",
    "link_text_color_hover_dark": "*primary_200",
    "table_border_color_dark": "#40353b",
    "table_even_background_fill_dark": "*neutral_900",
    "table_odd_background_fill_dark": "*neutral_950",
}

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
    made = themes.Base(
        primary_hue=PLUM,
        secondary_hue=PLUM,
        neutral_hue=SAND,
        font=FONT,
        font_mono=MONO,
        radius_size=themes.sizes.radius_lg,
        spacing_size=themes.sizes.spacing_md,
        text_size=themes.sizes.text_md,
    )
    return made.set(**LIGHT, **DARK)
