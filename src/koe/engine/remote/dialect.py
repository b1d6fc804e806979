"""A request in the words of each kind of server."""

from typing import Any

from koe.core.errors import LimitExceeded
from koe.core.languages import ENGLISH_NAMES, base
from koe.engine.remote.listing import Kind, Listing
from koe.engine.remote.order import Order, Reference

MOST_INSTRUCTIONS = 500
"""Characters that vLLM-Omni takes."""

Body = dict[str, Any]

_BASE, _DESIGN = "Base", "VoiceDesign"


def speech_body(listing: Listing, model: str | None, order: Order, text: str, reference: Reference | None) -> Body:
    """Of POST /v1/audio/speech. `model`: to be named; None: the server's own. Raises LimitExceeded."""
    form: dict[Kind, Body] = {
        "vllm-omni": {"response_format": "pcm", "stream": True, "stream_format": "audio"},
        # Its header tells the rate at which the voice speaks.
        "koe": {"response_format": "wav"},
        "nari": {"response_format": "pcm", "stream": True},
        "openai": {"response_format": "wav"},
    }
    return {"input": text, **form[listing.kind], **_manner(listing, model, order, reference)}


def session_config(listing: Listing, model: str | None, order: Order, reference: Reference | None) -> Body:
    """Of the WebSocket's first message. Raises LimitExceeded."""
    form = {"response_format": "wav"} if listing.kind == "koe" else {"response_format": "pcm", "stream_audio": True}
    return {"type": "session.config", **form, **_manner(listing, model, order, reference)}


def _manner(listing: Listing, model: str | None, order: Order, reference: Reference | None) -> Body:
    manner = {
        "vllm-omni": _as_omni,
        "koe": _as_koe,
        "nari": _as_nari,
        "openai": _as_openai,
    }[listing.kind](listing, order)
    named = {"model": model, "voice": _voice(listing, order, reference), **manner, **_reference(order, reference)}
    return {name: value for name, value in named.items() if value is not None}


def _voice(listing: Listing, order: Order, reference: Reference | None) -> str | None:
    if reference is not None:
        return reference.uploaded or None
    named = listing.voices.get(order.voice)
    return named.name if named is not None else None


def _reference(order: Order, reference: Reference | None) -> Body:
    if order.description is not None:
        return {"task_type": _DESIGN}
    if reference is None or reference.uploaded:
        return {}
    words = {"ref_text": reference.transcript} if reference.transcript else {"x_vector_only_mode": True}
    return {"task_type": _BASE, "ref_audio": reference.audio, **words}


def _as_omni(listing: Listing, order: Order) -> Body:
    words = _words(order)
    if words is not None and len(words) > MOST_INSTRUCTIONS:
        raise LimitExceeded(f"the instruction is longer than the {MOST_INSTRUCTIONS} characters that the server takes")
    sampling = order.sampling
    chosen = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    extra = {name: value for name, value in chosen.items() if value is not None}
    # Uploaded voices belong to the Base checkpoint; older servers want to be told.
    named = listing.voices.get(order.voice)
    uploaded = order.clip is not None or (named is not None and named.name in listing.uploaded)
    return {
        "task_type": _BASE if uploaded else None,
        "language": _english_name(order) or "Auto",
        "instructions": words,
        "seed": order.seed,
        "extra_params": extra or None,
    }


def _as_koe(listing: Listing, order: Order) -> Body:
    sampling = order.sampling
    return {
        "language": order.language,
        "style": None if order.instruct else order.style,
        "instructions": order.description or order.instruct or None,
        "seed": order.seed,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
    }


def _as_nari(listing: Listing, order: Order) -> Body:
    name = _english_name(order)
    changed = {"style": None, "instructions": _words(order), "language": name.lower() if name else "auto"}
    return {**_as_koe(listing, order), **changed}


def _as_openai(listing: Listing, order: Order) -> Body:
    return {"instructions": _words(order)}


def _words(order: Order) -> str | None:
    return order.description or order.instruct or order.style_words or None


def _english_name(order: Order) -> str | None:
    return ENGLISH_NAMES.get(base(order.language)) if order.language is not None else None
