"""Models of transformers: dual encoders with their own processor and tokenizer, and image towers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from workbench.errors import ModelError
from workbench.models.foreign.formats import ForeignModel, brief, plain
from workbench.models.foreign.naflex import FROZEN, NaFlexPreprocess, NaFlexTower
from workbench.models.foreign.preprocessing import Preprocess
from workbench.models.foreign.towers import NO_TEXTS, DualNetwork, ImageNetwork, ImageTower, TextTower, no_tokenizer
from workbench.models.loaded import LoadedModel

_FIRST_TOKEN = {"chinese_clip", "align"}
"""Models whose text feature is the first token's, whatever their text tower pools."""
_TOLERANCE = 1e-5
_UNBOUNDED = 100_000


def build(model: ForeignModel) -> LoadedModel:
    """The network with what turns images and texts into its inputs; see `ForeignModel.build`.

    Raises:
        ModelError: It cannot be loaded, is of no known shape, brings code of its own, or its towers give other features
            than its own `get_image_features` and `get_text_features`.
    """
    name = f"model {model.spec.argument!r}"
    config = model.config()
    if "auto_map" in config:
        raise ModelError(
            f"{name}: config.json has 'auto_map', by which it wants to run code of its own; that is refused. Install a "
            "package that registers the model under 'workbench.models' instead."
        )
    whole = _whole(model, name)
    naflex = whole.config.model_type == "siglip2" and hasattr(whole, "text_model")
    preprocess = (NaFlexPreprocess if naflex else Preprocess)(_processor(model, name))
    if not hasattr(whole, "get_text_features"):
        network: nn.Module = ImageNetwork(ImageTower(whole, None))
        tokenizer: Any = no_tokenizer
    else:
        tokenizer = Tokenizer(model, whole, name)
        network = _dual(whole, tokenizer, name)
    network.eval().requires_grad_(False)
    loaded = LoadedModel(
        network=network,
        preprocess=preprocess,
        tokenizer=tokenizer,
        image_size=preprocess.size(),
        mean=preprocess.mean,
        std=preprocess.std,
        config={"transformers": plain(whole.config.to_dict())},
        preprocess_config={"transformers": plain(preprocess.settings())},
        pixel_transform=preprocess.on_pixels(),
        no_texts=None if isinstance(network, DualNetwork) else NO_TEXTS,
    )
    if isinstance(network, DualNetwork):
        _check_towers(loaded, network, preprocess, name)
        loaded.frozen_reason = FROZEN if naflex else None
    else:
        loaded.frozen_reason = "it is an image tower alone, whose training through texts is not defined"
    return loaded


def _whole(model: ForeignModel, name: str) -> Any:
    """The library's own model, with every weight that it needs."""
    from transformers import AutoModel

    model.weights()
    try:
        with _quiet():
            whole, report = AutoModel.from_pretrained(
                str(model.folder), dtype=torch.float32, local_files_only=True, output_loading_info=True
            )
    except Exception as error:  # The library raises many kinds.
        raise ModelError(f"{name}: transformers cannot load {model.folder} ({brief(error)}).") from error
    ignored = ("pooler.", "position_ids")
    missing = sorted(key for key in report["missing_keys"] if not any(part in key for part in ignored))
    wrong = sorted(str(key[0]) for key in report.get("mismatched_keys", ()))
    if missing or wrong:
        what = (
            f"lacks {len(missing)} weights, such as {missing[0]!r}" if missing else f"has {wrong[0]!r} of another shape"
        )
        strange = sorted(report["unexpected_keys"])[:1]
        hint = f"; it holds {strange[0]!r} instead" if strange else ""
        raise ModelError(f"{name}: the weight file {what}{hint}. Without them the model would be random.")
    return whole


def _dual(whole: Any, tokenizer: "Tokenizer", name: str) -> DualNetwork:
    parts = ("vision_model", "text_model", "logit_scale")
    lacking = [part for part in parts if not hasattr(whole, part)]
    if lacking:
        raise ModelError(
            f"{name}: {type(whole).__name__} is of no known shape (it has no {' and no '.join(lacking)}); CLIPModel, "
            "SiglipModel, ChineseCLIPModel, AltCLIPModel and others with an image and a text tower work."
        )
    visual: ImageTower = ImageTower(whole.vision_model, getattr(whole, "visual_projection", None))
    if whole.config.model_type == "siglip2":
        visual = NaFlexTower(whole.vision_model, int(whole.config.vision_config.patch_size))
    text = TextTower(
        whole.text_model,
        getattr(whole, "text_projection", None),
        pad=tokenizer.pad,
        ends=tokenizer.pad_ends,
        masks=tokenizer.masks,
        first=whole.config.model_type in _FIRST_TOKEN,
    )
    return DualNetwork(whole, visual, text)


def _check_towers(loaded: LoadedModel, network: DualNetwork, preprocess: Preprocess, name: str) -> None:
    """Compare the towers with the library's own features, since a new kind of model may pool in its own way."""
    from PIL import Image

    whole: Any = network.__dict__["whole"]
    picture = Image.effect_noise((90, 70), 60).convert("RGB")
    texts = ["a photo of a cat.", "two"]
    tokenizer: Any = loaded.tokenizer
    with torch.inference_mode():
        pairs = {
            "image": (
                loaded.image_features(preprocess(picture)[None])[1],
                whole.get_image_features(**preprocess.inputs(picture)),
            ),
            "text": (loaded.text_features(tokenizer(texts)), whole.get_text_features(**tokenizer.inputs(texts))),
        }
    for what, (ours, output) in pairs.items():
        theirs = output if isinstance(output, Tensor) else output.pooler_output
        difference = float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-12))
        if not difference <= _TOLERANCE:
            raise ModelError(
                f"{name}: {type(whole).__name__} pools in a way of its own: its {what} features differ from what its "
                f"towers give (relative difference {difference:.1e}), so it is not used."
            )


def _processor(model: ForeignModel, name: str) -> Any:
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(str(model.folder), local_files_only=True)
    except Exception as error:  # The library raises many kinds.
        raise ModelError(
            f"{name}: {model.folder} has no image processor that transformers can load; expected "
            f"preprocessor_config.json ({brief(error)})."
        ) from error


class Tokenizer:
    """The model's own tokenizer: texts to int64 (n, context), filled up to the context of the text tower.

    Attributes:
        pad: The token that fills up.
        pad_ends: Whether it also ends a text.
        masks: Whether the tower is told what fills up.
        tokenizer: The library's.
    """

    def __init__(self, model: ForeignModel, whole: Any, name: str) -> None:
        from transformers import AutoTokenizer

        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(str(model.folder), local_files_only=True)
        except Exception as error:  # The library raises many kinds.
            raise ModelError(
                f"{name}: {model.folder} has no tokenizer that transformers can load; copy tokenizer.json or its "
                f"vocabulary beside the weights ({brief(error)})."
            ) from error
        if self.tokenizer.pad_token_id is None:
            raise ModelError(f"{name}: its tokenizer names no token that fills up ('pad_token').")
        text = whole.config.get_text_config() if not hasattr(whole.config, "text_config") else whole.config.text_config
        places = int(getattr(text, "max_position_embeddings", _UNBOUNDED))
        if "roberta" in str(getattr(text, "model_type", "")).lower() or model.config().get("model_type") == "altclip":
            places -= int(self.tokenizer.pad_token_id) + 1  # Its positions begin behind that of the padding.
        self._context = min(places, int(self.tokenizer.model_max_length))
        if self._context >= _UNBOUNDED:
            raise ModelError(f"{name}: neither its tokenizer nor its text tower says how long texts may be.")
        self.pad = int(self.tokenizer.pad_token_id)
        self.pad_ends = self.tokenizer.pad_token_id == self.tokenizer.eos_token_id
        self.masks = "attention_mask" in self.tokenizer.model_input_names

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """See `LoadedModel.tokenizer`."""
        tokens: Tensor = self.inputs(texts)["input_ids"]
        return tokens

    def inputs(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Everything that the library's own text tower is given."""
        made = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=self._context, return_tensors="pt"
        )
        return {key: value for key, value in made.items() if key in ("input_ids", "attention_mask")}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's progress bar, which commands that answer in JSON have no place for."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
