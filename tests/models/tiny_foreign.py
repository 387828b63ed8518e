"""Tiny random models in the layouts that transformers and timm write, tokenizers included."""

import json
from pathlib import Path
from string import ascii_lowercase

import torch

WORDS = ["a", "photo", "of", "cat", "dog", "red", "green", "blue", "two", "the"]
VISION = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32,
    "patch_size": 8,
}  # fmt: skip
TEXT = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}


def clip_tokenizer(folder: Path, end: str = "<|endoftext|>", pad: str = "<|endoftext|>", masks: bool = True) -> int:
    """CLIP's tokenizer over a few words, its end the last of the vocabulary, whose size is returned."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    # `CLIPTextModel` takes a text's highest number for its end.
    special = [] if end == pad else [end, pad]
    names = dict.fromkeys(["<|unk|>", "<|startoftext|>", *special, ".", *WORDS, *ascii_lowercase, end])
    vocabulary = {word: i for i, word in enumerate(names)}
    backend = Tokenizer(WordLevel(vocabulary, unk_token="<|unk|>"))
    backend.normalizer, backend.pre_tokenizer = Lowercase(), Whitespace()
    backend.post_processor = TemplateProcessing(
        single=f"<|startoftext|> $A {end}",
        special_tokens=[("<|startoftext|>", vocabulary["<|startoftext|>"]), (end, vocabulary[end])],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|startoftext|>", eos_token=end, unk_token="<|unk|>", pad_token=pad,
        model_max_length=16, model_input_names=["input_ids", "attention_mask"] if masks else ["input_ids"],
    ).save_pretrained(folder)  # fmt: skip
    return len(vocabulary)


def write_clip(folder: Path) -> Path:
    """`CLIPModel` with its processor."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    size = clip_tokenizer(folder)
    text = {
        **TEXT,
        "vocab_size": size,
        "max_position_embeddings": 16,
        "eos_token_id": 2,  # As in OpenAI's; it stands for that rule.
        "bos_token_id": 1,
        "pad_token_id": size - 1,
    }
    torch.manual_seed(0)
    config = CLIPConfig(text_config=text, vision_config=VISION, projection_dim=20)
    _write(CLIPModel(config), folder)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_siglip(folder: Path, seed: int = 1) -> Path:
    """`SiglipModel`, whose text tower is told nothing of what fills up."""
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    size = clip_tokenizer(folder, end="</s>", pad="<pad>", masks=False)
    text = {**TEXT, "hidden_size": 32, "vocab_size": size, "max_position_embeddings": 16, "projection_size": 32}
    torch.manual_seed(seed)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=VISION))
    torch.nn.init.constant_(model.logit_scale, 2.0)
    torch.nn.init.constant_(model.logit_bias, -5.0)
    _write(model, folder)
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_siglip2(folder: Path) -> Path:
    """`Siglip2Model`, which takes pictures in their own proportions (NaFlex)."""
    from transformers import Siglip2Config, Siglip2ImageProcessor, Siglip2Model

    size = clip_tokenizer(folder, end="</s>", pad="<pad>", masks=False)
    text = {**TEXT, "hidden_size": 32, "vocab_size": size, "max_position_embeddings": 16, "projection_size": 32}
    vision = {key: value for key, value in VISION.items() if key != "image_size"}
    torch.manual_seed(5)
    _write(Siglip2Model(Siglip2Config(text_config=text, vision_config={**vision, "num_patches": 16})), folder)
    Siglip2ImageProcessor(patch_size=8, max_num_patches=20).save_pretrained(folder)
    return folder


def write_chinese_clip(folder: Path) -> Path:
    """`ChineseCLIPModel`: a BERT whose feature is its first token's, with a mask."""
    from transformers import BertTokenizerFast, ChineseCLIPConfig, ChineseCLIPImageProcessor, ChineseCLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *ascii_lowercase, *(f"##{c}" for c in ascii_lowercase)]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=24).save_pretrained(folder)
    text = {**TEXT, "vocab_size": len(words), "max_position_embeddings": 24, "pad_token_id": 0}
    torch.manual_seed(2)
    _write(ChineseCLIPModel(ChineseCLIPConfig(text_config=text, vision_config=VISION, projection_dim=20)), folder)
    ChineseCLIPImageProcessor(size={"height": 32, "width": 32}, do_center_crop=False).save_pretrained(folder)
    return folder


def write_altclip(folder: Path) -> Path:
    """`AltCLIPModel`: an XLM-RoBERTa whose positions are counted from the filling token's number on."""
    from transformers import AltCLIPConfig, AltCLIPModel, CLIPImageProcessor

    size = clip_tokenizer(folder, end="</s>", pad="<pad>")
    text = {**TEXT, "vocab_size": size, "max_position_embeddings": 24, "pad_token_id": 3, "project_dim": 28}
    config = AltCLIPConfig(text_config=text, vision_config=VISION, projection_dim=20)
    torch.manual_seed(6)
    _write(AltCLIPModel(config), folder)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_metaclip2(folder: Path) -> Path:
    """`MetaClip2Model`, whose text feature is that of the end's token."""
    from transformers import CLIPImageProcessor, MetaClip2Config, MetaClip2Model

    size = clip_tokenizer(folder, end="</s>", pad="<pad>")
    text = {
        **TEXT, "vocab_size": size, "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2,
        "pad_token_id": 3,
    }  # fmt: skip
    torch.manual_seed(7)
    _write(MetaClip2Model(MetaClip2Config(text_config=text, vision_config=VISION, projection_dim=20)), folder)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_dinov2(folder: Path) -> Path:
    """`Dinov2Model`, an image tower alone (RAD-DINO has this layout)."""
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    torch.manual_seed(3)
    settings = {key: value for key, value in VISION.items() if key != "intermediate_size"}
    _write(Dinov2Model(Dinov2Config(**settings, mlp_ratio=2)), folder)
    BitImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_timm(folder: Path) -> Path:
    """A ViT with registers in timm's layout of the hub, classifier included."""
    import timm
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    torch.manual_seed(4)
    network = timm.create_model("test_vit", pretrained=False, num_classes=7, img_size=64)
    save_file(network.state_dict(), folder / "model.safetensors")
    about = {"input_size": [3, 64, 64], "mean": [0.5] * 3, "std": [0.5] * 3, "num_classes": 7, "crop_pct": 1.0}
    config = {
        "architecture": "test_vit", "num_classes": 7, "model_args": {"img_size": 64},
        "pretrained_cfg": {**about, "interpolation": "bicubic", "first_conv": "patch_embed.proj", "classifier": "head"},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def _write(model: torch.nn.Module, folder: Path) -> None:
    with torch.no_grad():
        for parameter in model.parameters():  # Weights as they begin are so small that all inputs look alike.
            if parameter.dim() > 1:
                parameter.add_(0.05 * torch.randn_like(parameter))
    model.eval().save_pretrained(folder)


WRITERS = {
    "clip": write_clip, "siglip": write_siglip, "chinese-clip": write_chinese_clip, "altclip": write_altclip,
    "metaclip-2": write_metaclip2,
}  # fmt: skip
"""Dual encoders that are trained here, too."""
