"""Inference: what a predictor knows of other test images when it is asked about one.

Transductive inference is Vapnik's term ("Statistical Learning Theory", 1998, chapter 8). Numbers of different kinds of
inference answer different questions, so that tables mark them.
"""

from typing import Literal, get_args

Inference = Literal["inductive", "transductive", "online"]
"""`inductive`: nothing, each image is answered by itself. `transductive`: all of them, together and without labels.
`online`: those that came before it, in a stream."""

INFERENCES: tuple[Inference, ...] = get_args(Inference)
