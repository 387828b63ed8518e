"""Which languages a model's text tower reads, as far as that is known."""

import re

from workbench.errors import ModelError
from workbench.models.encoder import Encoder
from workbench.models.plugin import models

_MULTILINGUAL = re.compile(r"xlm|multiling|mt5|nllb|labse|m-?bert|i18n|siglip2|gemma|bge-m3", re.IGNORECASE)


def check_language(encoder: Encoder, language: str) -> str | None:
    """Refuse a language that the model's text tower cannot read.

    Args:
        encoder: The model.
        language: A tag such as `ja`.

    Returns:
        A sentence for the reader of results where the tower may not know the language; None for English and for
        towers that are multilingual by their name.

    Raises:
        ModelError: A registered model says that it reads other languages alone.
    """
    if language == "en":
        return None
    spec = encoder.spec
    if spec.kind == "plugin":
        known = getattr(models.get(spec.source), "languages", None)
        if known is None:
            return f"{encoder.name} does not say which languages its text tower reads; texts are in {language!r}."
        if language not in known:
            raise ModelError(
                f"model {encoder.name!r} reads {', '.join(known)} only, not {language!r}; take a multilingual model, "
                "for example xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k."
            )
        return None
    from workbench.models.checkpoints import text_tower_names

    tower = text_tower_names(spec)
    if tower is None:
        return f"{encoder.name} has CLIP's English tokenizer and may not know the language of the texts, {language!r}."
    if _MULTILINGUAL.search(tower):
        return None
    return f"the text tower of {encoder.name} ({tower}) is not known to be multilingual; texts are in {language!r}."
