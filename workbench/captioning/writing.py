"""Captions written by CoCa, open_clip's image-to-text decoder."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.captioning.decoding import beam_search
from workbench.errors import RecipeError
from workbench.images import ImageSet
from workbench.models import LoadedModel


@dataclass(frozen=True)
class Decoding:
    """Settings of beam search; lengths in tokens, start and end included."""

    beams: int = 2
    min_length: int = 5
    max_length: int = 30


def write_captions(
    loaded: LoadedModel, images: ImageSet, decoding: Decoding, *, device: str = "cpu", batch_size: int = 16
) -> list[str]:
    """A caption for each image.

    Yu et al., CoCa (TMLR 2022). open_clip's own `generate` needs a class that transformers 5 has removed, and adds up
    logits where a beam search adds up log-probabilities; this one decodes the same network by beam search. With one
    beam it is open_clip's `top_k` generation at k = 1.

    Args:
        loaded: The model, in eval mode, on `device`.
        images: The images.
        decoding: Beams and lengths.
        device: `cpu` or `cuda:n`.
        batch_size: Images at a time.

    Raises:
        RecipeError: The model has no decoder, or a tokenizer that cannot turn tokens into text; or captions may be
            longer than the decoder's context.
    """
    check_writes(loaded, decoding.max_length)
    network: Any = loaded.network
    captions: list[str] = []
    with torch.inference_mode():
        for begin in range(0, len(images), batch_size):
            batch = range(begin, min(begin + batch_size, len(images)))
            pixels = torch.stack([loaded.preprocess(images.decode(i)) for i in batch]).to(device)
            captions += [_text(loaded, tokens) for tokens in _write(network, loaded.tokenizer, pixels, decoding)]
    return captions


def check_writes(loaded: LoadedModel, max_length: int | None = None) -> None:
    """Refuse a model that cannot write, or not captions of `max_length` tokens, start and end included.

    Raises:
        RecipeError: The model cannot write; names the missing part, or the largest `max_length`.
    """
    if not hasattr(loaded.network, "text_decoder"):
        raise RecipeError(
            "the model has no text decoder, so it cannot write captions; take a coca_* model of open_clip "
            "(`workbench list models --open-clip`), or recipe caption-retrieval."
        )
    if not all(hasattr(loaded.tokenizer, name) for name in ("decode", "sot_token_id", "eot_token_id")):
        raise RecipeError(
            "the model's tokenizer cannot turn tokens into text; captions need open_clip's own tokenizer."
        )
    if max_length is not None and max_length > (most := _longest(loaded.network)):
        raise RecipeError(
            f"max_length {max_length} is beyond the context of the model's decoder; set it to {most} or less."
        )


def _longest(network: Any) -> int:
    """Tokens of the longest caption: all but the last, which ends it, are read again by both text networks."""
    context_length = network.text_decoder.context_length
    return min(int(context_length), int(getattr(network.text, "context_length", context_length))) + 1


def _write(network: Any, tokenizer: Any, pixels: Tensor, decoding: Decoding) -> list[list[int]]:
    latent, embedded = network._encode_image(pixels)

    def step(tokens: Tensor, rows: Tensor) -> Tensor:
        logits: Tensor = network(
            pixels[rows], tokens, image_latent=latent[rows], image_embs=embedded[rows], output_labels=False
        )["logits"]
        return logits[:, -1].float().log_softmax(dim=-1)

    return beam_search(
        step,
        len(pixels),
        start=tokenizer.sot_token_id,
        end=tokenizer.eot_token_id,
        beams=decoding.beams,
        min_length=decoding.min_length,
        max_length=decoding.max_length,
        device=str(pixels.device),
    )


def _text(loaded: LoadedModel, tokens: list[int]) -> str:
    tokenizer: Any = loaded.tokenizer
    return " ".join(str(tokenizer.decode(tokens)).split())
