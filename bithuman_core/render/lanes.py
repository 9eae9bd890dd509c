"""Drawing a row of a triangle eight samples at a time: rows are short, so that a loop over samples is mostly overhead."""

# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false
# (intrinsics speak LLVM)
from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from bithuman_core.render.texel import V_SHIFT

LANES = 8  # samples at a time; buffers need room for so many more: what lies beyond a row is read, and written as it was


@intrinsic
def draw_lanes(typing, depth, words, first, count, z, u, v, zx, ux, vx, tag):
    """Depth test and write of ``count`` samples, one at least, from ``first`` on; z, u, v at the first of them, zx, ux, vx from
    each to the next.

    depth float32 and words uint32, in one row; first, count and tag uint32; all others float32, u and v not below 0.
    """
    word, single, long = ir.IntType(32), ir.FloatType(), ir.IntType(64)
    words8, singles8 = ir.VectorType(word, LANES), ir.VectorType(single, LANES)
    numbers = ir.Constant(words8, list(range(LANES)))
    steps = ir.Constant(singles8, [float(k) for k in range(LANES)])

    def splat(builder, value):
        vector = ir.VectorType(value.type, LANES)
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(word, 0))
        return builder.shuffle_vector(one, one, ir.Constant(words8, [0] * LANES))

    def generate(context, builder, signature, args):
        depths, samples = (context.make_array(signature.args[k])(context, builder, args[k]).data for k in (0, 1))
        begin, total, at, slopes, tags = args[2], args[3], args[4:7], args[7:10], splat(builder, args[10])
        slopes = [splat(builder, slope) for slope in slopes]
        ramps = [builder.fadd(splat(builder, a), builder.fmul(slope, steps)) for a, slope in zip(at, slopes, strict=True)]
        before = builder.block
        loop, done = builder.append_basic_block("lanes"), builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(word)
        k.add_incoming(ir.Constant(word, 0), before)
        along = splat(builder, builder.uitofp(k, single))
        zs, us, vs = (builder.fadd(ramp, builder.fmul(slope, along)) for ramp, slope in zip(ramps, slopes, strict=True))
        place = builder.zext(builder.add(begin, k), long)
        near = builder.bitcast(builder.gep(depths, [place]), singles8.as_pointer())
        seen = builder.bitcast(builder.gep(samples, [place]), words8.as_pointer())
        old_depth, old_words = builder.load(near, align=4), builder.load(seen, align=4)
        inside = builder.icmp_unsigned("<", builder.add(splat(builder, k), numbers), splat(builder, total))
        drawn = builder.and_(inside, builder.fcmp_ordered("<", zs, old_depth))
        packed = builder.or_(tags, builder.fptosi(us, words8))
        packed = builder.or_(packed, builder.shl(builder.fptosi(vs, words8), ir.Constant(words8, [int(V_SHIFT)] * LANES)))
        builder.store(builder.select(drawn, zs, old_depth), near, align=4)
        builder.store(builder.select(drawn, packed, old_words), seen, align=4)
        following = builder.add(k, ir.Constant(word, LANES))
        k.add_incoming(following, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, total), loop, done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    floats, integer = types.float32, types.uint32
    return types.void(depth, words, integer, integer, floats, floats, floats, floats, floats, floats, integer), generate
