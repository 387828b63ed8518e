"""Processes that train one network together: each has a share of every batch, and all take the same steps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from workbench.arrays import AnyArray

T = TypeVar("T")
_BUCKET = 2**25
"""Numbers that are added up at a time."""


class Group:
    """This process among those that train together; make one for each training.

    Attributes:
        rank: Its number, from 0.
        size: Number of processes.
    """

    def __init__(self) -> None:
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()
        self._reached: tuple[str, ...] | None = None

    def own(self, rows: AnyArray) -> AnyArray:
        """This process's share of a batch; it may be empty."""
        return rows[self.rank :: self.size]

    def add_gradients(self, parameters: Mapping[str, nn.Parameter]) -> None:
        """Add up the gradients of all processes, in each.

        Which parameters a gradient reaches is asked once: the others stay without.
        """
        if self._reached is None:
            has_gradient = [float(parameter.grad is not None) for parameter in parameters.values()]
            reached = self.total(torch.tensor(has_gradient)).tolist()
            self._reached = tuple(name for name, count in zip(parameters, reached, strict=True) if count)
        gradients = []
        for name in self._reached:
            parameter = parameters[name]
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        for bucket in _buckets(gradients):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            dist.all_reduce(flat)
            for gradient, total in zip(
                bucket, torch.split(flat, [gradient.numel() for gradient in bucket]), strict=True
            ):
                gradient.copy_(total.view_as(gradient))

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, on the CPU."""
        summed = values.detach().cpu().clone()
        dist.all_reduce(summed)
        return summed

    def agreed(self, value: T) -> T:
        """What the first process has: rounding may differ, and all must take the same decisions."""
        values = [value]
        dist.broadcast_object_list(values, src=0, device=torch.device("cpu"))
        return values[0]


def current_group() -> Group | None:
    """This process among those that train together; None where it trains alone."""
    return Group() if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1 else None


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for tensor in tensors:
        if bucket and sum(other.numel() for other in bucket) + tensor.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket
