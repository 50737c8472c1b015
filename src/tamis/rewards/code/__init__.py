"""The code reward: the code of an answer, run in the sandbox, judged outside it."""
