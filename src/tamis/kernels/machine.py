# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call"

"""What the processor does in one step and numba does not spell: eight bytes as one number, plain copies.

Nothing here checks bounds: whoever calls makes sure that the bytes are there.
"""

from __future__ import annotations

from typing import Any

import numba as nb
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def eight_bytes(typing_context: Any, text: Any, at: Any) -> Any:
    """The eight bytes at `text[at]` as one number: an unaligned load, which numba does not spell."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)

    return nb.uint64(text, nb.int64), generate


@intrinsic
def put_eight(typing_context: Any, text: Any, at: Any, number: Any) -> Any:
    """Write eight bytes to `text[at]`: an unaligned store."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        builder.store(arguments[2], builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return nb.void(text, nb.int64, nb.uint64), generate


@intrinsic
def copy_bytes(  # noqa: PLR0917
    typing_context: Any, out: Any, out_at: Any, text: Any, at: Any, n: Any
) -> Any:
    """Copy `n` bytes between two arrays."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        to = context.make_array(signature.args[0])(context, builder, arguments[0])
        source = context.make_array(signature.args[2])(context, builder, arguments[2])
        cgutils.raw_memcpy(
            builder,
            builder.gep(to.data, [arguments[1]]),
            builder.gep(source.data, [arguments[3]]),
            arguments[4],
            1,
        )
        return context.get_dummy_value()

    return nb.void(out, nb.int64, text, nb.int64, nb.int64), generate


@intrinsic
def trailing_zeros(typing_context: Any, number: Any) -> Any:
    """Zero bits below the lowest set one; 64 when there is none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return nb.uint64(nb.uint64), generate
