"""Questions with what grades their answers: RL prompt sets and benchmarks."""
