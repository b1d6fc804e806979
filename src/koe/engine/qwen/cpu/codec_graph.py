"""The package's codec decoder as two graphs: codes to latents, and latents to sound."""

from typing import Any

import numpy as np
from torch import nn

from koe.engine.qwen.cpu.drawing import Drawing
from koe.engine.qwen.cpu.graph import MICROSOFT


def draw_latents(drawing: Drawing, decoder: Any) -> str:
    """codes int64 [b, t, 16], cos and sin [b, 1, t, head_dim], mask [b, 1, 1, t, window - 1 + t] (0, or minus infinity
    where a new frame does not see a carried or new one) -> [b, latent, t]"""
    graph, transformer = drawing.graph, decoder.pre_transformer
    codes = graph.input("codes", ("b", "t", decoder.config.num_quantizers), np.int64)
    x = drawing.causal_conv(_embedded(drawing, decoder.quantizer, codes), decoder.pre_conv)
    x = drawing.linear(drawing.turned(x), transformer.input_proj)
    attention = _Attention(drawing, transformer)
    for layer in transformer.layers:
        y = attention.draw(_normed(drawing, x, layer.input_layernorm), layer.self_attn)
        x = _added(drawing, x, y, layer.self_attn_layer_scale)
        y = _mlp(drawing, _normed(drawing, x, layer.post_attention_layernorm), layer.mlp)
        x = _added(drawing, x, y, layer.mlp_layer_scale)
    return drawing.turned(drawing.linear(_normed(drawing, x, transformer.norm), transformer.output_proj))


def draw_wave(drawing: Drawing, decoder: Any) -> str:
    """latents [b, latent, t] -> [b, 1, t * 1920]"""
    x = drawing.graph.input("latents", ("b", decoder.config.latent_dim, "t"))
    for upsample, convnext in decoder.upsample:
        x = _convnext(drawing, _upsampled(drawing, x, upsample), convnext)
    first, *blocks, snake, last = decoder.decoder
    x = drawing.causal_conv(x, first)
    for block in blocks:
        snake_in, upsample, *residuals = block.block
        x = _upsampled(drawing, _snake(drawing, x, snake_in), upsample)
        for unit in residuals:
            y = drawing.causal_conv(_snake(drawing, x, unit.act1), unit.conv1)
            y = drawing.causal_conv(_snake(drawing, y, unit.act2), unit.conv2)
            x = drawing.graph.op("Add", y, x)
    return drawing.causal_conv(_snake(drawing, x, snake), last)


def _embedded(drawing: Drawing, quantizer: Any, codes: str) -> str:
    """A SplitResidualVectorQuantizer: codes [b, t, 16] -> [b, dim, t]."""
    graph, column, parts = drawing.graph, 0, []
    for residual in (quantizer.rvq_first, quantizer.rvq_rest):
        total = None
        for layer in residual.vq.layers:
            entries = _entries(drawing, layer, graph.op("Gather", codes, drawing.scalar(column), axis=2))
            total = entries if total is None else graph.op("Add", total, entries)
            column += 1
        assert total is not None
        parts.append(drawing.conv(drawing.turned(total), residual.output_proj))
    return graph.op("Add", *parts)


def _entries(drawing: Drawing, layer: Any, codes: str) -> str:
    """A VectorQuantization: codes [b, t] -> [b, t, dim]. Only the rows in use are divided."""
    graph, codebook = drawing.graph, layer._codebook
    usage = codebook.cluster_usage.clamp(min=codebook.epsilon)[:, None]
    x = graph.op(
        "Div",
        graph.op("Gather", drawing.tensor(codebook.embedding_sum), codes, axis=0),
        graph.op("Gather", drawing.tensor(usage), codes, axis=0),
    )
    return x if isinstance(layer.project_out, nn.Identity) else drawing.linear(x, layer.project_out)


class _Attention:
    """As codec_attention's WindowedAttention."""

    def __init__(self, drawing: Drawing, transformer: Any) -> None:
        self._drawing = drawing
        self._past: int = transformer.window_size - 1
        head_dim = transformer.layers[0].self_attn.head_dim
        self._cos, self._sin = (drawing.graph.input(name, ("b", 1, "t", head_dim)) for name in ("cos", "sin"))
        self._mask = drawing.graph.input("mask", ("b", 1, 1, "t", "seen"))

    def draw(self, x: str, attention: Any) -> str:
        """x [b, t, hidden] -> [b, t, hidden]; the heads that share a key are a dimension of their own."""
        drawing, op = self._drawing, self._drawing.graph.op
        groups, size = attention.num_key_value_groups, attention.head_dim
        heads: int = attention.config.num_key_value_heads
        query = self._turned(self._heads(drawing.linear(x, attention.q_proj), heads * groups, size))
        key = self._turned(self._heads(drawing.linear(x, attention.k_proj), heads, size))
        value = self._heads(drawing.linear(x, attention.v_proj), heads, size)
        key, value = (drawing.behind_past(each, self._past, 2, heads, self._past, size) for each in (key, value))
        query = drawing.reshaped(
            op("Mul", query, drawing.graph.constant(np.float32(attention.scaling))), 0, heads, groups, -1, size
        )
        across = op("Transpose", drawing.reshaped(key, 0, heads, 1, -1, size), perm=[0, 1, 2, 4, 3])
        seen = op("Softmax", op("Add", op("MatMul", query, across), self._mask), axis=-1)
        out = op("MatMul", seen, drawing.reshaped(value, 0, heads, 1, -1, size))
        out = op("Transpose", drawing.reshaped(out, 0, heads * groups, -1, size), perm=[0, 2, 1, 3])
        return drawing.linear(drawing.reshaped(out, 0, 0, -1), attention.o_proj)

    def _heads(self, x: str, heads: int, size: int) -> str:
        """[b, t, heads * size] -> [b, heads, t, size]"""
        drawing = self._drawing
        return drawing.graph.op("Transpose", drawing.reshaped(x, 0, 0, heads, size), perm=[0, 2, 1, 3])

    def _turned(self, x: str) -> str:
        """As the package's apply_rotary_pos_emb: x [b, heads, t, size]."""
        graph = self._drawing.graph
        a, b = graph.ops("Split", x, count=2, axis=-1, num_outputs=2)
        half = graph.op("Concat", graph.op("Neg", b), a, axis=-1)
        return graph.op("Add", graph.op("Mul", x, self._cos), graph.op("Mul", half, self._sin))


def _mlp(drawing: Drawing, x: str, mlp: Any) -> str:
    """A Qwen3TTSTokenizerV2DecoderMlp."""
    op = drawing.graph.op
    # With alpha 1 this is SiLU.
    active = op("QuickGelu", drawing.linear(x, mlp.gate_proj), domain=MICROSOFT, alpha=1.0)
    return drawing.linear(op("Mul", active, drawing.linear(x, mlp.up_proj)), mlp.down_proj)


def _normed(drawing: Drawing, x: str, norm: Any) -> str:
    weight = drawing.tensor(norm.weight)
    return drawing.graph.op("SimplifiedLayerNormalization", x, weight, axis=-1, epsilon=norm.variance_epsilon)


def _added(drawing: Drawing, x: str, y: str, layer_scale: Any) -> str:
    op = drawing.graph.op
    return op("Add", x, op("Mul", y, drawing.tensor(layer_scale.scale)))


def _upsampled(drawing: Drawing, x: str, net: Any) -> str:
    """As codec_layers' Upsample: x [b, in, n] -> [b, out, n * stride]."""
    conv, op = net.conv, drawing.graph.op
    stride, out = conv.stride[0], conv.out_channels
    parts = drawing.reshaped(
        op("MatMul", drawing.turned(x), drawing.tensor(conv.weight.flatten(1))), 0, 0, out, conv.kernel_size[0]
    )
    if net.right_pad > 0:
        now, later = drawing.graph.ops("Split", parts, count=2, axis=-1, num_outputs=2)
        before = drawing.behind_past(later, 1, 1, 1, out, stride)
        parts = op("Add", now, drawing.cut(before, 0, -1, 1))
    y = drawing.reshaped(op("Transpose", parts, perm=[0, 2, 1, 3]), 0, 0, -1)
    return y if conv.bias is None else op("Add", y, drawing.tensor(conv.bias[:, None]))


def _convnext(drawing: Drawing, x: str, block: Any) -> str:
    """A Qwen3TTSTokenizerV2ConvNeXtBlock."""
    op, norm = drawing.graph.op, block.norm
    y = drawing.turned(drawing.causal_conv(x, block.dwconv))
    weight, bias = drawing.tensor(norm.weight), drawing.tensor(norm.bias)
    y = op("LayerNormalization", y, weight, bias, axis=-1, epsilon=norm.eps)
    y = drawing.linear(op("Gelu", drawing.linear(y, block.pwconv1), domain=MICROSOFT), block.pwconv2)
    return op("Add", x, drawing.turned(op("Mul", y, drawing.tensor(block.gamma))))


def _snake(drawing: Drawing, x: str, snake: Any) -> str:
    """A SnakeBeta: x + sin(x e^alpha)^2 / e^beta."""
    op = drawing.graph.op
    y = op("Sin", op("Mul", x, drawing.tensor(snake.alpha.exp()[:, None])))
    scale = 1.0 / (snake.beta.exp() + snake.no_div_by_zero)
    return op("Add", x, op("Mul", op("Mul", y, y), drawing.tensor(scale[:, None])))
