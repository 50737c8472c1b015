"""The local engine: plans a recipe into passes, runs them on worker processes, accounts for every row."""
