"""Qwen3-TTS, streamed: on the `qwen-tts` package's modules and weights, with Koe's own loop.

    checkpoints -> download -> loading      what there is, and getting it into memory
    prompt -> frames -> codec               one step of a batch: text and codes in, 16 codes, 80 ms of PCM
    batch -> engine                         who is stepped next; the engine's thread

Nothing outside this folder knows torch.
"""
