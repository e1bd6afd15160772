"""Tables against peers; `python -m benchmarks` prints them all, `python -m benchmarks delay` one of them."""
