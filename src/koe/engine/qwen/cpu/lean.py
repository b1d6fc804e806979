"""The package's model without what the graphs compute: the embeddings, and what hears a reference."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from koe.engine.qwen.cpu.transformer import Source


class MappedEmbedding(nn.Module):
    """An nn.Embedding whose table stays in its file, in its own precision: 0.6 GB, of which a text needs a few rows."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        # Not a parameter: the model's dtype is that of its parameters.
        self._tables = (table,)

    def forward(self, ids: Tensor) -> Tensor:
        """ids [...] -> float32 [..., d]"""
        return F.embedding(ids, self._tables[0]).float()


def lean_model(model_class: Any, config: Any, weights: Source) -> Any:
    """A Qwen3TTSForConditionalGeneration for prompts and embeddings alone, in float32.

    Raises ValueError where a weight is missing or of another shape.
    """
    with torch.device("meta"):
        model = model_class(config)
    talker, predictor = model.talker, model.talker.code_predictor
    for body in (talker.model, predictor.model):
        body.layers = nn.ModuleList()
        body.norm = None
    talker.codec_head, predictor.lm_head = None, nn.ModuleList()
    predictor.small_to_mtp_projection = None
    talker.model.rotary_emb = type(talker.model.rotary_emb)(config.talker_config)
    predictor.model.rotary_emb = type(predictor.model.rotary_emb)(config.talker_config.code_predictor_config)
    _map_embeddings(model, weights)
    for name, parameter in list(model.named_parameters()):
        owner, _, last = name.rpartition(".")
        value = nn.Parameter(_weight(weights, name, parameter).float(), requires_grad=False)
        setattr(model.get_submodule(owner), last, value)
    return model.eval()


def _map_embeddings(model: nn.Module, weights: Source) -> None:
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Embedding):
            owner, _, last = name.rpartition(".")
            table = MappedEmbedding(_weight(weights, f"{name}.weight", module.weight))
            model.get_submodule(owner).register_module(last, table)


def _weight(weights: Source, name: str, expected: Tensor) -> Tensor:
    tensor = weights(name)
    if tensor is None or tensor.shape != expected.shape:
        raise ValueError(f"the weights don't fit config.json: {name}")
    return tensor
