"""Scripts that run a trainer's own loader over an exported folder: stand-alone, with the trainer and without Tamis."""
