"""Photos against descriptions of products that training did not have, every product tested once. Asserts nothing:

    python tests/performance/new_descriptions.py [FOLDS]

The 81 products of grocery-store are divided into folds; in each, a linear head is trained and chosen on the others.
Queries of all folds are pooled, and products are resampled whole: the interval is one over products.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from workbench.datasets import resolve_card
from workbench.metrics import compare_items
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.settings import Settings
from workbench.tasks import group_codes

CARD = "grocery-store-new-descriptions"
METRICS = [
    f"{way}_{name}" for way in ("text_to_image", "image_to_text") for name in ("recall_at_1", "recall_at_5", "map")
]


def main(folds: int = 3) -> None:
    """Print each metric of zero-shot and head, and their paired difference."""
    _, beside = resolve_card(CARD)
    text = (beside / f"{CARD}.toml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(runs=Path(folder) / "runs")
        paths = []
        for k in range(1, folds + 1):
            paths.append(Path(folder) / f"fold-{k}.toml")
            own = text.replace(f'name = "{CARD}"', f'name = "fold-{k}"')
            own = own.replace('by = "class"', f'by = "class"\nfold = [{k}, {folds}]')
            paths[-1].write_text(own, encoding="utf-8")
        suite = Suite(
            name="folds", models=("offline-lite",), datasets=tuple(map(str, paths)), figures=False,
            recipes=(RecipeEntry(recipe="zero-shot"), RecipeEntry(recipe="linear-head")),
        )  # fmt: skip
        runs = run_suite(suite, settings)
        found = {
            recipe: [FinishedRun.open(r.run_id, settings).predictions for r in runs if r.recipe == recipe]
            for recipe in ("zero-shot", "linear-head")
        }
        for metric in METRICS:
            before, after = ([fold.item_values(metric) for fold in found[recipe]] for recipe in found)
            groups = group_codes([group for fold in after for group in fold.groups])
            values = (np.concatenate([fold.values for fold in side]) for side in (after, before))
            found_difference = compare_items(*values, groups)
            means = (np.concatenate([fold.values for fold in side]).mean() for side in (before, after))
            low, high = found_difference.low, found_difference.high
            print(
                f"{metric:28s} zero-shot {next(means):.3f}, linear-head {next(means):.3f}, difference "
                f"{found_difference.value:+.3f} [{low:+.3f}, {high:+.3f}], p = {found_difference.p_value:.4f}, "
                f"{found_difference.n} queries, {found_difference.n_groups} products"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
