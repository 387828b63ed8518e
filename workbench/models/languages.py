"""The languages that a model's text tower reads, as far as that is known."""

import re

from workbench.errors import ModelError
from workbench.models.encoder import Encoder
from workbench.models.plugin import models

_MULTILINGUAL = re.compile(r"xlm|multiling|mt5|nllb|labse|m-?bert|i18n|siglip2|gemma|bge-m3", re.IGNORECASE)


def check_language(encoder: Encoder, language: str) -> str | None:
    """Refuse a language that the model's text tower cannot read.

    Args:
        encoder: The model.
        language: A tag such as `ja` or `pt-BR`; a region or script does not change which tower reads it.

    Returns:
        A sentence for the reader of results where the tower may not know the language; None for languages that a
        registered model declares, for English, and for towers that are multilingual by their name.

    Raises:
        ModelError: A registered model declares other languages only.
    """
    spec = encoder.spec
    known = getattr(models.get(spec.source), "languages", None) if spec.kind == "plugin" else None
    if known is not None:
        if _primary(language) in map(_primary, known):
            return None
        raise ModelError(
            f"model {encoder.name!r} reads {', '.join(known)} only, not {language!r}; take a multilingual model, "
            "for example xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k (or offline-lite-multilingual, which needs no "
            "download, for trying things)."
        )
    if _primary(language) == "en":
        return None
    if spec.kind == "plugin":
        return f"{encoder.name} does not say which languages its text tower reads; texts are in {language!r}."
    if spec.kind == "embeddings" or encoder.identity.no_texts:  # It says itself which texts it lacks.
        return None
    from workbench.models.checkpoints import text_tower_names

    tower = text_tower_names(spec)
    if tower is None:
        return f"{encoder.name} has CLIP's English tokenizer and may not know the language of the texts, {language!r}."
    if _MULTILINGUAL.search(tower):
        return None
    return f"the text tower of {encoder.name} ({tower}) is not known to be multilingual; texts are in {language!r}."


def _primary(language: str) -> str:
    """`pt` of `pt-BR`."""
    return language.partition("-")[0].lower()
