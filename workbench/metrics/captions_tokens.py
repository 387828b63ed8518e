"""Captions as words, the same for every metric that counts them."""

import re
import unicodedata

# Scripts that put no space between words: kana, Han characters, Hangul is spaced and therefore not among them.
_UNSPACED = r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\w])+(?:['’](?:(?![{_UNSPACED}])\w)+)?")


def tokens(caption: str) -> list[str]:
    """Lower-case words without punctuation.

    Japanese and Chinese are cut into characters, since cutting them into words would need a dictionary. The captioning
    metrics of COCO cut with Stanford's tokenizer in Java, which differs in hyphens, clitics and brackets.
    """
    return _WORD.findall(unicodedata.normalize("NFKC", caption).lower())
