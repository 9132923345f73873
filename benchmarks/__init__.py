"""Speed and size beside PyTorch and NumPy; `python -m benchmarks` writes RESULTS.md."""
