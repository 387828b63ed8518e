"""Walk a network and exchange its attention modules."""

from collections.abc import Iterator

from torch import nn

from workbench.models.attention._multihead import SplitAttention
from workbench.models.attention._packed import SplitPackedAttention
from workbench.models.attention._pool import SplitAttentionPool

Split = SplitAttention | SplitAttentionPool | SplitPackedAttention


def split_attention(network: nn.Module) -> list[str]:
    """Replace attention that an adapter could not be put on, in place; outputs stay the same.

    Handled: `nn.MultiheadAttention` (transformers of open_clip, image and text, and CoCa's poolers), the attention
    pooling of CLIP's ResNets, and open_clip's own `Attention`. timm's and Hugging Face's attention consists of linear
    layers already (`qkv`, `proj`; `query`, `key`, `value`); where timm would compute a layer with a separate bias in
    one functional call that skips the layer (EVA, BEiT), it is set to call the layer and add the bias.

    Args:
        network: Changed in place; it must not be an attention module itself.

    Returns:
        Names of the replaced modules, in order.
    """
    replaced = []
    for name, parent, child_name, child in _children(network):
        split = _split(child)
        if split is not None:
            setattr(parent, child_name, split.train(child.training))
            replaced.append(name)
        elif getattr(child, "qkv_bias_separate", None) is False:
            child.qkv_bias_separate = True  # type: ignore[assignment]
    return replaced


def merge_attention(network: nn.Module) -> list[str]:
    """Put stock attention back, with the present weights, in place.

    Args:
        network: As `split_attention` left it; adapters must have been merged into their layers.

    Returns:
        Names of the replaced modules, in order.

    Raises:
        ModelError: A layer still carries an adapter.
    """
    replaced = []
    for name, parent, child_name, child in _children(network):
        if isinstance(child, Split):
            setattr(parent, child_name, child.stock().train(child.training))
            replaced.append(name)
    return replaced


def _split(module: nn.Module) -> Split | None:
    from open_clip.modified_resnet import AttentionPool2d
    from open_clip.transformer import Attention

    if isinstance(module, nn.MultiheadAttention):
        # Extra key and value tokens: no dual encoder uses them.
        return None if module.bias_k is not None or module.add_zero_attn else SplitAttention(module)
    if isinstance(module, AttentionPool2d):
        return SplitAttentionPool(module)
    if isinstance(module, Attention) and module.logit_scale is None:
        return SplitPackedAttention(module)
    return None


def _children(network: nn.Module) -> Iterator[tuple[str, nn.Module, str, nn.Module]]:
    """Name, parent, name in the parent, and module, of a snapshot of the tree."""
    for prefix, parent in list(network.named_modules()):
        for child_name, child in list(parent.named_children()):
            yield f"{prefix}.{child_name}".lstrip("."), parent, child_name, child
