"""Changes to a voice's sound: one chain for a live stream and for a file.

chain = EffectChain([Pitch(semitones=3, keep_formants=True), Reverb(wet=0.1)], 24000)
heard = chain.feed(samples) ... chain.finish()
"""
