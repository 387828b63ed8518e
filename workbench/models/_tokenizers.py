"""open_clip's tokenizers; its own, which take a third of a second to build, are built once a process."""

import json
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from workbench.models.probe import tokenizer_digest

_own: dict[str, Any] = {}
"""By the settings of the text tower, which decide all of such a tokenizer."""
_digests: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def tokenizer_of(name: str, text_config: Mapping[str, Any]) -> Any:
    """The tokenizer of a model.

    Args:
        name: As open_clip takes it.
        text_config: Its `text_cfg`.
    """
    import open_clip

    settings = json.dumps(text_config, sort_keys=True)
    if settings in _own:
        return _own[settings]
    tokenizer = open_clip.get_tokenizer(name)
    from_files = text_config.get("hf_tokenizer_name") or text_config.get("tokenizer_kwargs")
    if type(tokenizer) is open_clip.SimpleTokenizer and not from_files:
        _own[settings] = tokenizer
        _digests[tokenizer] = tokenizer_digest(tokenizer)
    return tokenizer


def digest_of(tokenizer: Any) -> str:
    """`tokenizer_digest`, of open_clip's own ones computed once a process."""
    # Others may be plug-ins' of any type, which may have no weak references or no hash.
    import open_clip

    known = _digests.get(tokenizer) if type(tokenizer) is open_clip.SimpleTokenizer else None
    return tokenizer_digest(tokenizer) if known is None else known
