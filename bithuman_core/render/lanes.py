"""Drawing a row of a triangle eight samples at a time: rows are short, so that a loop over samples is mostly overhead."""

# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false
# (intrinsics speak LLVM)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from bithuman_core.render.texel import V_SHIFT

LANES = 8  # samples at a time; buffers need room for so many more: what lies beyond a row is read, and written as it was
BYTE, WORD, SINGLE, LONG = ir.IntType(8), ir.IntType(32), ir.FloatType(), ir.IntType(64)
WORDS, SINGLES, BYTES = (ir.VectorType(kind, LANES) for kind in (WORD, SINGLE, BYTE))


@intrinsic
def draw_lanes(typing, depth, words, first, count, z, u, v, zx, ux, vx, tag):
    """Depth test and write of ``count`` samples, one at least, from ``first`` on; z, u, v at the first of them, zx, ux, vx from
    each to the next.

    depth float32 and words uint32, in one row; first, count and tag uint32; all others float32, u and v not below 0.
    """

    def generate(context, builder, signature, args):
        depths, samples = (_memory(context, builder, signature, args, k) for k in (0, 1))
        tags = _splat(builder, args[10])

        def draw(place, zs, values, inside):
            near, seen = _at(builder, depths, place, SINGLES), _at(builder, samples, place, WORDS)
            old = builder.load(near, align=4)
            drawn = builder.and_(inside, builder.fcmp_ordered("<", zs, old))
            us, vs = (builder.fptosi(value, WORDS) for value in values)
            packed = builder.or_(tags, us)
            packed = builder.or_(packed, builder.shl(vs, ir.Constant(WORDS, [int(V_SHIFT)] * LANES)))
            _write(builder, near, 4, drawn, zs)
            _write(builder, seen, 4, drawn, packed)

        _along(builder, args[2], args[3], args[4:7], args[7:10], draw)
        return context.get_dummy_value()

    floats, integer = types.float32, types.uint32
    return types.void(depth, words, integer, integer, floats, floats, floats, floats, floats, floats, integer), generate


@intrinsic
def fetch_lanes(typing, depth, kinds, x, y, light, first, count, z, u, v, lit, zx, ux, vx, dim, kind):
    """As :func:`draw_lanes`, of samples that keep a kind, a place in the picture and a light.

    depth, x, y, light float32 and kinds uint8, in one row; first, count uint32; kind uint8; all others float32.
    """

    def generate(context, builder, signature, args):
        depths, sorts, *places = (_memory(context, builder, signature, args, k) for k in range(5))
        tags = _splat(builder, args[15])

        def draw(place, zs, values, inside):
            near, sort = _at(builder, depths, place, SINGLES), _at(builder, sorts, place, BYTES)
            drawn = builder.and_(inside, builder.fcmp_ordered("<", zs, builder.load(near, align=4)))
            _write(builder, near, 4, drawn, zs)
            _write(builder, sort, 1, drawn, tags)
            for memory, value in zip(places, values, strict=True):
                _write(builder, _at(builder, memory, place, SINGLES), 4, drawn, value)

        _along(builder, args[5], args[6], args[7:11], args[11:15], draw)
        return context.get_dummy_value()

    f, n = types.float32, types.uint32
    return types.void(depth, kinds, x, y, light, n, n, f, f, f, f, f, f, f, f, types.uint8), generate


def _memory(context: Any, builder: Any, signature: Any, args: Any, k: int) -> Any:
    """Where the array lies that is argument k."""
    return context.make_array(signature.args[k])(context, builder, args[k]).data


def _at(builder: Any, memory: Any, place: Any, kind: Any) -> Any:
    """So many of its elements from a place on."""
    return builder.bitcast(builder.gep(memory, [place]), kind.as_pointer())


def _write(builder: Any, memory: Any, align: int, drawn: Any, value: Any) -> None:
    builder.store(builder.select(drawn, value, builder.load(memory, align=align)), memory, align=align)


def _splat(builder: Any, value: Any) -> Any:
    """A value in all lanes."""
    vector = ir.VectorType(value.type, LANES)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(WORD, 0))
    return builder.shuffle_vector(one, one, ir.Constant(WORDS, [0] * LANES))


def _along(builder: Any, first: Any, count: Any, begins: Any, slopes: Any, draw: Callable[..., None]) -> None:
    """``draw(place, depths, values, inside)`` for each eight samples of a row; begins, slopes: of the depth and of the values."""
    steps = ir.Constant(SINGLES, [float(k) for k in range(LANES)])
    numbers, total = ir.Constant(WORDS, list(range(LANES))), _splat(builder, count)
    slopes = [_splat(builder, slope) for slope in slopes]
    ramps = [builder.fadd(_splat(builder, a), builder.fmul(slope, steps)) for a, slope in zip(begins, slopes, strict=True)]
    before = builder.block
    loop, done = builder.append_basic_block("lanes"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    k = builder.phi(WORD)
    k.add_incoming(ir.Constant(WORD, 0), before)
    along = _splat(builder, builder.uitofp(k, SINGLE))
    depths, *values = (builder.fadd(ramp, builder.fmul(slope, along)) for ramp, slope in zip(ramps, slopes, strict=True))
    inside = builder.icmp_unsigned("<", builder.add(_splat(builder, k), numbers), total)
    draw(builder.zext(builder.add(first, k), LONG), depths, values, inside)
    following = builder.add(k, ir.Constant(WORD, LANES))
    k.add_incoming(following, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, count), loop, done)
    builder.position_at_end(done)
