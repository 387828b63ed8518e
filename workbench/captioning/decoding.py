"""Beam search over a decoder that gives log-probabilities of the next token."""

from collections.abc import Callable

import torch
from torch import Tensor

Next = Callable[[Tensor, Tensor], Tensor]
"""(tokens (r, t), image of each row (r,)) to log-probabilities of the next token (r, vocabulary)."""


def beam_search(
    step: Next, images: int, *, start: int, end: int, beams: int, min_length: int, max_length: int, device: str = "cpu"
) -> list[list[int]]:
    """The likeliest sentence for each image that the beam holds, likelihood per token.

    Each step extends every open sentence by every token and keeps the `beams` best; those that end are set aside. An
    image is done when `beams` sentences have ended. One beam is greedy decoding.

    Args:
        step: The decoder.
        images: Number of images.
        start: Token that begins a sentence.
        end: Token that ends it.
        beams: Sentences kept open.
        min_length: A sentence may end once it has so many tokens, `start` included.
        max_length: It must end here, `start` and `end` included.
        device: Device of the tokens.

    Returns:
        Tokens of each image, without `start` and `end`.
    """
    tokens = torch.full((images, beams, 1), start, dtype=torch.long, device=device)
    scores = torch.full((images, beams), -torch.inf, device=device)
    scores[:, 0] = 0.0  # All beams are alike at first.
    ended: list[list[tuple[float, list[int]]]] = [[] for _ in range(images)]
    rows = torch.arange(images, device=device).repeat_interleave(beams)
    for length in range(1, max_length):
        log_probs = step(tokens.reshape(images * beams, length), rows).float()
        vocabulary = log_probs.shape[-1]
        log_probs = _allowed(log_probs, end, may_end=length >= min_length, must_end=length + 1 == max_length)
        total = (scores[:, :, None] + log_probs.reshape(images, beams, vocabulary)).reshape(images, -1)
        best, place = total.topk(min(2 * beams, total.shape[1]), dim=1)
        beam, token = place // vocabulary, place % vocabulary
        for i in range(images):
            if len(ended[i]) < beams:
                _set_aside(ended[i], best[i, :beams], beam[i], token[i], tokens[i], end)
        if all(len(finished) >= beams for finished in ended):
            break
        # Beams that have ended rank behind all open ones.
        keep = best.masked_fill(token == end, -torch.inf).topk(beams, dim=1)
        scores = keep.values
        beam, token = beam.gather(1, keep.indices), token.gather(1, keep.indices)
        tokens = torch.cat([tokens.gather(1, beam[..., None].expand(-1, -1, length)), token[..., None]], dim=2)
    return [max(finished, key=lambda candidate: candidate[0])[1] for finished in ended]


def _allowed(log_probs: Tensor, end: int, *, may_end: bool, must_end: bool) -> Tensor:
    if must_end:
        only = torch.full_like(log_probs, -torch.inf)
        only[:, end] = log_probs[:, end]
        return only
    if not may_end:
        log_probs = log_probs.clone()
        log_probs[:, end] = -torch.inf
    return log_probs


def _set_aside(
    ended: list[tuple[float, list[int]]], best: Tensor, beam: Tensor, token: Tensor, tokens: Tensor, end: int
) -> None:
    for j, score in enumerate(best.tolist()):
        if int(token[j]) == end and score > -float("inf"):
            sentence = tokens[int(beam[j]), 1:].tolist()
            ended.append((score / (len(sentence) + 1), sentence))
