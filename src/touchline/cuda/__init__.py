"""NVIDIA GPUs through the driver's own interface: one context, streams, memory, kernels and views of pictures.

Knows nothing of GStreamer. Its modules import ``cuda.bindings`` (the extra ``touchline[cuda]``), so nobody imports
them unless CUDA was chosen; :mod:`touchline.cuda.probe` alone can be imported everywhere and says what is missing.
"""
