"""The names that expressions may use: functions, constants, letters, and commands that ask for a calculation."""

from __future__ import annotations

FUNCTIONS = {
    **{name: name for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh")},
    **{name: name for name in ("arcsin", "arccos", "arctan", "exp", "ln", "log", "abs", "floor")},
    **{name: name for name in ("ceil", "gcd", "lcm", "sqrt", "cbrt", "max", "min", "binom")},
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "lg": "lg",
    "ctg": "cot",
    "tg": "tan",
    "cosec": "csc",
    "sign": "sign",
    "sgn": "sign",
    "Re": "re",
    "Im": "im",
    "det": "det",
}
TWO_ARGUMENTS = frozenset({"gcd", "lcm", "max", "min", "binom"})
CONSTANTS = {"pi": "pi", "Pi": "pi", "infty": "inf", "infinity": "inf", "inf": "inf", "oo": "inf"}
GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma tau"
    " phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar".split()
)
ASKING = frozenset(
    "int iint iiint oint sum prod lim limsup liminf sup inf_ bigcup bigcap partial nabla frac_d".split()
)
BRACKETS = {
    "(": ")",
    "[": "]",
    "{": "}",
    r"\{": r"\}",
    r"\lfloor": r"\rfloor",
    r"\lceil": r"\rceil",
}
FRACS = frozenset({"frac", "dfrac", "tfrac", "cfrac"})
TIMES = frozenset({"cdot", "times", "ast"})
