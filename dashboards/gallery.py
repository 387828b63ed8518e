"""Pictures in a grid that folds on a narrow screen."""

from collections.abc import Sequence

import streamlit as st

from dashboards.session import picture, row_of
from dashboards.text import plain
from workbench.datasets import Dataset

_SIZE = 200


def gallery(dataset: Dataset, items: Sequence[str], captions: Sequence[str]) -> None:
    """Show items of a dataset with a line below each.

    Raises:
        WorkbenchError: The dataset has no such item.
    """
    cells = st.container(horizontal=True)
    for item, caption in zip(items, captions, strict=True):
        shown = picture(dataset, row_of(dataset, item))
        with cells.container(width=_SIZE):
            if shown is None:
                st.info("unreadable")
            else:
                st.image(shown, width=_SIZE, alt=caption)
            st.caption(plain(caption))
