"""The colour between pixels: four lines of four pixels at once (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false
# (intrinsics speak LLVM)
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

TAPS = 16  # bytes of a line that are read; the four px that count have 12
BYTE, WORD, SINGLE, LONG = ir.IntType(8), ir.IntType(32), ir.FloatType(), ir.IntType(64)
BYTES, WORDS, SINGLES = (ir.VectorType(kind, TAPS) for kind in (BYTE, WORD, SINGLE))
CONTRACT = ("contract",)  # a product may be added without rounding it first
OF_PX = [k // 3 if k < 12 else 0 for k in range(TAPS)]  # which px a byte is of


@intrinsic
def mean_of_taps(typing, frame, at, line, x0, x1, x2, x3, y0, y1, y2, y3):
    """(blue, green, red) of four px beside each other in four lines, weighed by x0 to x3 and y0 to y3.

    frame: uint8 [n], px of three bytes; at: uint64, the first byte; line: uint64, bytes from line to line.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        memory, begin, step = context.make_array(signature.args[0])(context, builder, args[0]).data, args[1], args[2]

        def spread(values: list[Any], of: list[int]) -> Any:
            vector: Any = ir.Constant(ir.VectorType(SINGLE, 4), ir.Undefined)
            for k, value in enumerate(values):
                vector = builder.insert_element(vector, value, ir.Constant(WORD, k))
            return builder.shuffle_vector(vector, vector, ir.Constant(WORDS, of))

        def moved(vector: Any, by: int) -> Any:
            return builder.shuffle_vector(vector, vector, ir.Constant(WORDS, [(k + by) % TAPS for k in range(TAPS)]))

        total: Any = None
        for k in range(4):
            there = builder.gep(memory, [builder.add(begin, builder.mul(step, ir.Constant(LONG, k)))])
            taps = builder.load(builder.bitcast(there, BYTES.as_pointer()), align=1)
            weighed = builder.fmul(builder.uitofp(taps, SINGLES), spread(list(args[7:11]), [k] * TAPS), flags=CONTRACT)
            total = weighed if total is None else builder.fadd(total, weighed, flags=CONTRACT)
        total = builder.fmul(total, spread(list(args[3:7]), OF_PX), flags=CONTRACT)
        total = builder.fadd(total, moved(total, 6), flags=CONTRACT)
        total = builder.fadd(total, moved(total, 3), flags=CONTRACT)
        colour = [builder.extract_element(total, ir.Constant(WORD, k)) for k in range(3)]
        return context.make_tuple(builder, signature.return_type, colour)

    single, whole = types.float32, types.uint64
    return types.UniTuple(single, 3)(frame, whole, whole, *[single] * 8), generate
