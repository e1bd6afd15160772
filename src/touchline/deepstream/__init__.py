"""NVIDIA's DeepStream and Jetson: capture, stitching and the virtual camera as elements of theirs, in NVMM memory.

Written after NVIDIA's documentation and tested with elements that stand in for theirs; it has run neither on a Jetson
nor with DeepStream. What stays ours is the heart: the frames wait in the same store, by reference, and leave through
the same player.
"""
