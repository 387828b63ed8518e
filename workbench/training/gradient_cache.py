"""The gradient of a loss over a whole batch, with the memory of a part of it.

Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (RepL4NLP 2021): a contrastive
loss compares every image of a batch with every text, so gradients of parts do not add up to that of the batch. The
chain rule helps: the batch is embedded part by part without a graph, the loss gives the gradient of each embedding, and
each part is embedded once more, with a graph, to carry its embeddings' gradient on to the weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Side:
    """The images, or the texts, of a batch.

    Attributes:
        parts: Each embeds some of them, (n, d), in the order of the batch; called twice where there are several.
        trained: Whether weights are trained through them; if not, no graph is built.
    """

    parts: Sequence[Callable[[], Tensor]]
    trained: bool = True


def cached_backward(sides: Sequence[Side], loss: Callable[..., Tensor], device: str = "cpu") -> Tensor:
    """Add the gradient of a loss to that of the weights, as `loss(*embeddings).backward()` of the whole batch would.

    A part sees the same random numbers both times, so dropout is the same, too. It costs a second forward pass; a batch
    of one part a side has none.

    Args:
        sides: Images and texts.
        loss: From each side's embeddings (n, d) to a scalar; it may hold weights of its own.
        device: Of the network, whose random numbers are repeated.

    Returns:
        The loss, without a graph.
    """
    whole = all(len(side.parts) == 1 for side in sides)
    embedded: list[list[Tensor]] = []
    states: list[list[_RandomState]] = []
    for side in sides:
        side_states, side_parts = [], []
        for part in side.parts:
            side_states.append(_RandomState(device))
            with torch.set_grad_enabled(side.trained and whole):
                side_parts.append(part())
        states.append(side_states)
        embedded.append(side_parts)
    joined = [torch.cat(parts) if len(parts) > 1 else parts[0] for parts in embedded]
    if whole:
        value = loss(*joined)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()
    joined = [x.detach().requires_grad_(side.trained) for x, side in zip(joined, sides, strict=True)]
    value = loss(*joined)
    value.backward()  # type: ignore[no-untyped-call]
    after = _RandomState(device)
    for side, side_states, side_parts, x in zip(sides, states, embedded, joined, strict=True):
        if not side.trained or x.grad is None:
            continue
        gradients = torch.split(x.grad, [len(part) for part in side_parts])
        for part, state, gradient in zip(side.parts, side_states, gradients, strict=True):
            state.restore()
            torch.autograd.backward(part(), gradient.to(x.dtype))
    after.restore()
    return value.detach()


class _RandomState:
    """The state of torch's generators."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state(device) if device.startswith("cuda") else None

    def restore(self) -> None:
        torch.set_rng_state(self._cpu)
        if self._cuda is not None:
            torch.cuda.set_rng_state(self._cuda, self._device)
