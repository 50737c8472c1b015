"""Turns texts into vectors: the `Embedder` protocol and the static model that works offline."""
