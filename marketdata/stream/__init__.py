"""Our binary stream of prices, byte by byte as docs/binary-stream.md says.

Pure, and nothing but the standard library and itself: who writes a client in Python may copy this
folder. `decoder.Decoder` is the reading side, `chain.Chain` the writing side of one instrument.
"""
