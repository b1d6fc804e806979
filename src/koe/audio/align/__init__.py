"""When each word of a sound is said.

The work is done in a process of its own (`process` starts it, `__main__` is it) at the lowest priority: it takes a core
for a while, and must never make a room wait. pocketsphinx aligns English (the extra `align`); any other language needs
faster-whisper (the extra `whisper`) and a model of it that is there already.
"""
