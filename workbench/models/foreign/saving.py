"""Write a dual encoder of transformers in its own format."""

from pathlib import Path
from typing import Any

from workbench.models.foreign.towers import DualNetwork
from workbench.models.loaded import LoadedModel


def save_pretrained(loaded: LoadedModel, network: DualNetwork, directory: Path) -> None:
    """What `save_pretrained` of the model, its image processor and its tokenizer write.

    Args:
        loaded: As it was built from a folder of transformers; adapters must have been merged.
        network: Its network.
        directory: A folder that is there.
    """
    whole: Any = network.__dict__["whole"]
    preprocess: Any = loaded.preprocess
    tokenizer: Any = loaded.tokenizer
    for part in (whole, preprocess.processor, tokenizer.tokenizer):
        part.save_pretrained(directory)
