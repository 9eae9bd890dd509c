// What the shapes add to the skin's texture, in whole eighths of a level above -255. See residual.py.
struct Row { x0: u32, y0: u32, x1: u32, y1: u32, start: u32, scale: f32 }

@group(1) @binding(0) var<storage, read> rows: array<Row>;  // of the smooth part, then of the detail
@group(1) @binding(1) var<storage, read> values: array<u32>;  // four bytes a px: blue, green, red, 0
@group(1) @binding(4) var<storage, read_write> coarse: array<vec4<i32>>;  // [sessions, side / 2, side / 2]
@group(1) @binding(5) var<storage, read_write> fine: array<vec4<i32>>;  // [sessions, side, side]
@group(1) @binding(6) var<storage, read> skin: array<u32>;  // the neutral texture, packed BGRA
@group(1) @binding(7) var<storage, read_write> texture: array<u32>;  // [sessions, texture_height, texture_width]

const ZERO = vec4<i32>(2040);
const LEAST = 0.00390625;  // steps a unit of the stored values: less rounds to nothing

fn signed_bytes(word: u32) -> vec4<i32> {
    return (bitcast<vec4<i32>>(vec4<u32>(word << 24u, word << 16u, word << 8u, word)) >> vec4<u32>(24u));
}

fn added(total: vec4<i32>, share: f32, word: u32) -> vec4<i32> {
    let more = vec4<i32>(share * vec4<f32>(signed_bytes(word)) + 16384.5) - 16384;
    return clamp(total + more, vec4<i32>(0), 2 * ZERO);
}

// What rows from the first on add up to at a px.
fn sum_of(session: u32, first: u32, at: vec2<u32>) -> vec4<i32> {
    var total = ZERO;
    for (var r = 0u; r < rig.rows; r++) {
        let row = rows[first + r];
        if at.x < row.x0 || at.x >= row.x1 || at.y < row.y0 || at.y >= row.y1 {
            continue;
        }
        let share = row.scale * number(session, AMOUNT + r);
        if abs(share) >= LEAST {
            total = added(total, share, values[row.start + (at.y - row.y0) * (row.x1 - row.x0) + at.x - row.x0]);
        }
    }
    return total;
}

@compute @workgroup_size(8, 8)
fn smooth_part(@builtin(global_invocation_id) id: vec3<u32>) {
    let side = rig.side / 2u;
    if id.x < side && id.y < side {
        coarse[(id.z * side + id.y) * side + id.x] = sum_of(id.z, 0u, id.xy);
    }
}

// Weights of the nearest px and the one beyond in a picture of half the size: 3 and 1.
fn beyond(x: u32, side: u32) -> u32 {
    return u32(clamp(i32(x >> 1u) + 2 * i32(x & 1u) - 1, 0, i32(side) - 1));
}

fn enlarged_coarse(session: u32, x: u32, y: u32) -> vec4<i32> {
    let side = rig.side / 2u;
    let base = session * side * side;
    let near = base + (y >> 1u) * side;
    let far = base + beyond(y, side) * side;
    let here = 3 * coarse[near + (x >> 1u)] + coarse[far + (x >> 1u)];
    let next = 3 * coarse[near + beyond(x, side)] + coarse[far + beyond(x, side)];
    return 3 * here + next;
}

@compute @workgroup_size(8, 8)
fn detail_part(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= rig.side || id.y >= rig.side {
        return;
    }
    let total = sum_of(id.z, rig.rows, id.xy);
    let under = (enlarged_coarse(id.z, id.x, id.y) + 8) >> vec4<u32>(4u);
    fine[(id.z * rig.side + id.y) * rig.side + id.x] = clamp(under + total - ZERO, vec4<i32>(0), 2 * ZERO);
}

fn enlarged_fine(session: u32, x: u32, y: u32) -> vec4<i32> {
    let side = rig.side;
    let base = session * side * side;
    let near = base + (y >> 1u) * side;
    let far = base + beyond(y, side) * side;
    let here = 3 * fine[near + (x >> 1u)] + fine[far + (x >> 1u)];
    let next = 3 * fine[near + beyond(x, side)] + fine[far + beyond(x, side)];
    return 3 * here + next;
}

// The same, rounded to whole eighths, at twice the size; for textures of four times the detail.
fn middle(session: u32, x: u32, y: u32) -> vec4<i32> {
    return (enlarged_fine(session, x, y) + 8) >> vec4<u32>(4u);
}

fn enlarged_middle(session: u32, x: u32, y: u32) -> vec4<i32> {
    let side = 2u * rig.side;
    let bx = beyond(x, side);
    let by = beyond(y, side);
    let here = 3 * middle(session, x >> 1u, y >> 1u) + middle(session, x >> 1u, by);
    let next = 3 * middle(session, bx, y >> 1u) + middle(session, bx, by);
    return 3 * here + next;
}

@compute @workgroup_size(8, 8)
fn lay(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= rig.texture_width || id.y >= rig.texture_width {
        return;
    }
    var sums = vec4<i32>();
    if rig.texture_width == 2u * rig.side {
        sums = enlarged_fine(id.z, id.x, id.y);
    } else {
        sums = enlarged_middle(id.z, id.x, id.y);
    }
    let place = id.y * rig.texture_width + id.x;
    let word = skin[place];
    let plain = vec4<i32>(vec4<u32>(word, word >> 8u, word >> 16u, word >> 24u) & vec4<u32>(255u));
    let level = vec4<u32>(clamp(plain + ((sums + 64) >> vec4<u32>(7u)) - 255, vec4<i32>(0), vec4<i32>(255)));
    texture[id.z * rig.texture_width * rig.texture_height + place] = level.x | (level.y << 8u) | (level.z << 16u) | (level.w << 24u);
}
