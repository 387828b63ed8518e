"""Suites on models of transformers and timm: what needs no text works on both, the rest says why not."""

import workbench
from tests.models.tiny_foreign import write_siglip, write_timm


def test_recipes_by_what_the_model_has(make_colours, tmp_path, settings):
    folder = make_colours(train=4, val=2, test=4)
    models = [f"local-dir:{write_siglip(tmp_path / 'siglip')}", f"local-dir:{write_timm(tmp_path / 'tower')}"]
    frame = workbench.run(
        models=models, datasets=[folder], recipes=["nearest-class-mean", "zero-shot"], cache=settings.cache,
        runs=settings.runs, precision="fp32", device="cpu",
    )  # fmt: skip
    status = {(row["model"], row["recipe"]): row["status"] for row in frame.to_dict("records")}
    assert (
        status.items()
        >= {
            (models[0], "nearest-class-mean"): "finished",
            (models[0], "zero-shot"): "finished",
            (models[1], "nearest-class-mean"): "finished",
            (models[1], "zero-shot"): "failed",
        }.items()
    )
