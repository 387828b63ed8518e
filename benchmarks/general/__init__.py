"""Dataset cards of general vision benchmarks: VTAB+ and the few-shot sets."""
