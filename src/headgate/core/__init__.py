"""Tensors, records of calls and the engine that walks them. Nothing here knows a single op."""
