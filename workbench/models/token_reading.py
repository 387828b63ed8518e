"""What a text tower's tokenizer makes of texts: how many tokens, what it cuts off, words that it does not know."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_ENDS = 2  # The start and the end of a text, of CLIP's own tokenizer.


@dataclass(frozen=True)
class ReadText:
    """A text as the tower gets it.

    Attributes:
        tokens: The ids, with what fills up.
        is_cut: Whether the end of the text is lost, since it has more tokens than the tower has places.
        unknown: Number of its tokens that stand for something the tokenizer does not know.
    """

    tokens: tuple[int, ...]
    is_cut: bool
    unknown: int


def read_texts(tokenizer: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> list[ReadText]:
    """Texts as a tokenizer of open_clip, of transformers, or of a plug-in gives them to the tower.

    Args:
        tokenizer: Texts to int64 (n, context), as `LoadedModel.tokenizer`.
        texts: The texts.
    """
    if not texts:
        return []
    rows: list[list[int]] = tokenizer(list(texts)).tolist()
    count, unknown = _whole(tokenizer)
    read = []
    for text, ids in zip(texts, rows, strict=True):
        whole = count(text)
        cut = whole > len(ids) if whole is not None else _ends_early(tokenizer, text, ids)
        read.append(ReadText(tuple(ids), cut, 0 if unknown is None else ids.count(unknown)))
    return read


def _whole(tokenizer: Any) -> tuple[Callable[[str], int | None], int | None]:
    """What counts the tokens of a text that nothing has cut, None where that cannot be asked, and the unknown token."""
    library = getattr(tokenizer, "tokenizer", None)
    if callable(library) and hasattr(library, "unk_token_id"):
        clean = getattr(tokenizer, "clean_fn", None) or str

        def count(text: str) -> int:
            return len(library(clean(text), truncation=False, verbose=False)["input_ids"])

        # Where one token is for both, it tells nothing.
        same = library.unk_token_id in {library.pad_token_id, library.eos_token_id}
        return count, None if same else library.unk_token_id
    encode = getattr(tokenizer, "encode", None)
    if callable(encode) and hasattr(tokenizer, "sot_token_id"):
        return lambda text: len(encode(text)) + _ENDS, None
    return lambda _: None, None


def _ends_early(tokenizer: Callable[[Sequence[str]], Any], text: str, ids: list[int]) -> bool:
    """Whether the last word makes no difference."""
    shorter = text.rpartition(" ")[0]
    return bool(shorter) and bool(tokenizer([shorter]).tolist()[0] == ids)
