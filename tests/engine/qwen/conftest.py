"""Tiny checkpoints of all three kinds."""

from tests.support import tiny

tiny_base, tiny_brief, tiny_endless = tiny.tiny_base, tiny.tiny_brief, tiny.tiny_endless
tiny_custom_voice, tiny_voice_design = tiny.tiny_custom_voice, tiny.tiny_voice_design
