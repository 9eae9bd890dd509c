"""A table of rows of which one can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr


def table(columns: Sequence[str], name: str, *, widths: Sequence[str] | None = None) -> gr.Dataframe:
    """Text that nobody changes; the first column names the row. name: of the element in the page."""
    return gr.Dataframe(
        headers=list(columns), datatype="str", type="array", interactive=False, wrap=True, show_search="filter", elem_id=name,
        column_widths=None if widths is None else list(widths), max_height=520,
    )  # fmt: skip


def chosen(event: gr.SelectData) -> str:
    """The name of the row that somebody chose."""
    row: Any = event.row_value
    return str(row[0])
