"""Qwen3-TTS for machines without a GPU: the talker and the code predictor as graphs of onnxruntime, their weights in 8
or 4 bits, for on a CPU a step takes as long as its weights take to arrive."""
