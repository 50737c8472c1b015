"""Asking models: requests, the client, the store of finished calls, the local model."""
