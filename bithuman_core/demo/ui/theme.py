"""The look of the page as a Gradio theme: quiet grounds, one green, round buttons; the fonts are the system's own."""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils import sizes
from gradio.themes.utils.colors import Color

GREEN = Color(
    "#f1f8f6", "#e3efeb", "#c5e0d8", "#9ccdbf", "#4cc3a5", "#2f9e82", "#1f6f5c", "#1b5f4f", "#174e41", "#123d33", "#0c2a23",
    name="green",
)  # fmt: skip
SAND = Color(
    "#fbfaf8", "#f4f3f0", "#e8e6e1", "#dcdad4", "#a6acb6", "#767c87", "#5a5e66", "#343840", "#262a30", "#1c1f24", "#131518",
    name="sand",
)  # fmt: skip
SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "Consolas", "monospace")


class AvatarTheme(Base):
    """Light and dark, after the system or ``?__theme=``."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=GREEN, secondary_hue=GREEN, neutral_hue=SAND, text_size=sizes.text_md, spacing_size=sizes.spacing_md,
            radius_size=sizes.radius_lg, font=SYSTEM, font_mono=MONO,
        )  # fmt: skip
        ground, card, ink, soft, line, edge = "#f4f3f0", "#ffffff", "#1d1f23", "#5a5e66", "#dcdad4", "#8b8d92"
        ground_dark, card_dark, ink_dark, soft_dark, line_dark, edge_dark = (
            "#131518", "#1c1f24", "#eef0f2", "#a6acb6", "#343840", "#767c87"
        )  # fmt: skip
        accent, accent_dark, tint, tint_dark, on_accent_dark = "#1f6f5c", "#4cc3a5", "#e3efeb", "#1d322d", "#0c1512"
        self.set(
            body_background_fill=ground, body_background_fill_dark=ground_dark,
            body_text_color=ink, body_text_color_dark=ink_dark,
            body_text_color_subdued=soft, body_text_color_subdued_dark=soft_dark,
            background_fill_primary=card, background_fill_primary_dark=card_dark,
            background_fill_secondary=ground, background_fill_secondary_dark=ground_dark,
            border_color_primary=line, border_color_primary_dark=line_dark,
            border_color_accent=accent, border_color_accent_dark=accent_dark,
            color_accent=accent, color_accent_soft=tint, color_accent_soft_dark=tint_dark,
            link_text_color=accent, link_text_color_dark=accent_dark,
            block_background_fill=card, block_background_fill_dark=card_dark,
            block_border_width="1px", block_border_color=line, block_border_color_dark=line_dark,
            block_shadow="none", block_label_text_color=soft, block_label_text_color_dark=soft_dark,
            block_title_text_color=soft, block_title_text_color_dark=soft_dark, block_title_text_weight="500",
            block_label_background_fill=card, block_label_background_fill_dark=card_dark,
            block_info_text_color=soft, block_info_text_color_dark=soft_dark,
            input_background_fill=card, input_background_fill_dark=card_dark,
            input_border_color=edge, input_border_color_dark=edge_dark,
            input_placeholder_color=soft, input_placeholder_color_dark=soft_dark,
            input_border_width="1px", input_border_width_dark="1px", input_shadow="none", input_shadow_focus="none",
            button_large_radius="1.5rem", button_medium_radius="1.5rem", button_small_radius="1.5rem",
            button_primary_background_fill=accent, button_primary_background_fill_dark=accent_dark,
            button_primary_background_fill_hover="#1b5f4f", button_primary_background_fill_hover_dark="#6fd3ba",
            button_primary_text_color="#ffffff", button_primary_text_color_dark=on_accent_dark,
            button_primary_border_color="transparent", button_primary_border_color_dark="transparent",
            button_secondary_background_fill="transparent", button_secondary_background_fill_dark="transparent",
            button_secondary_background_fill_hover=tint, button_secondary_background_fill_hover_dark=tint_dark,
            button_secondary_border_color=edge, button_secondary_border_color_dark=edge_dark,
            button_secondary_text_color=ink, button_secondary_text_color_dark=ink_dark,
            block_radius="0.75rem", button_large_text_weight="400", button_medium_text_weight="400",
            button_border_width="1px", button_border_width_dark="1px",
            checkbox_background_color_selected=accent, checkbox_background_color_selected_dark=accent_dark,
            checkbox_border_color=edge, checkbox_border_color_dark=edge_dark,
            checkbox_label_background_fill="transparent", checkbox_label_background_fill_dark="transparent",
            checkbox_label_background_fill_hover=tint, checkbox_label_background_fill_hover_dark=tint_dark,
            checkbox_label_background_fill_selected=tint, checkbox_label_background_fill_selected_dark=tint_dark,
            checkbox_label_border_color=edge, checkbox_label_border_color_dark=edge_dark,
            checkbox_label_border_width="1px", checkbox_label_border_width_dark="1px",
            checkbox_label_shadow="none", checkbox_label_padding="0.2rem 0.7rem",
            checkbox_label_text_color_selected=ink, checkbox_label_text_color_selected_dark=ink_dark,
            slider_color=accent, slider_color_dark=accent_dark,
            loader_color=accent, loader_color_dark=accent_dark,
            error_text_color="#a3341f", error_text_color_dark="#ff9d87",
        )  # fmt: skip
