// From words to pixels: the head over the backdrop over the still part over the plate. See shading.py and still.py.
@group(1) @binding(0) var samples: texture_2d_array<u32>;  // a layer a session: see raster.wgsl
@group(1) @binding(1) var<storage, read> texture: array<u32>;
@group(1) @binding(2) var<storage, read> backdrop: array<u32>;
@group(1) @binding(3) var<storage, read> still: array<u32>;  // colours times alpha
@group(1) @binding(4) var<storage, read> plate: array<u32>;
@group(1) @binding(5) var<storage, read> tint: array<u32>;  // [256, 3]
@group(1) @binding(6) var<storage, read_write> frames: array<u32>;  // [sessions, height, width] packed BGRA

const ONE_SURFACE = 128;

fn bounded(a: u32, b: u32, width: u32, height: u32) -> vec2<u32> {
    let u = clamp(i32((a & PLACE) + (b & PLACE)) - 16, 0, i32((width - 2u) * 32u));
    let v = clamp(i32(((a >> 15u) & PLACE) + ((b >> 15u) & PLACE)) - 16, 0, i32((height - 2u) * 32u));
    return vec2<u32>(u32(u), u32(v));
}

fn skin_at(session: u32, a: u32, b: u32) -> u32 {
    let uv = bounded(a, b, rig.texture_width, rig.texture_height);
    let at = (session * rig.texture_height + (uv.y >> 5u)) * rig.texture_width + (uv.x >> 5u);
    let below = at + rig.texture_width;
    return bilinear(texture[at], texture[at + 1u], texture[below], texture[below + 1u], (uv.x & 31u) >> 1u, (uv.y & 31u) >> 1u);
}

fn backdrop_at(a: u32) -> u32 {
    let uv = bounded(a, a, rig.back_width, rig.back_height);
    let at = (uv.y >> 5u) * rig.back_width + (uv.x >> 5u);
    let below = at + rig.back_width;
    return bilinear(backdrop[at], backdrop[at + 1u], backdrop[below], backdrop[below + 1u], (uv.x & 31u) >> 1u, (uv.y & 31u) >> 1u);
}

fn lit(session: u32, seen: vec2<u32>) -> u32 {
    if seen.x == NOTHING {
        return 0u;
    }
    let colour = skin_at(session, seen.x, seen.x);
    if (seen.x >> 30u) != MOUTH {
        return colour;
    }
    let blue = ((colour & 255u) * tint[3u * seen.y]) >> 8u;
    let green = (((colour >> 8u) & 255u) * tint[3u * seen.y + 1u]) >> 8u;
    let red = (((colour >> 16u) & 255u) * tint[3u * seen.y + 2u]) >> 8u;
    return (colour & 0xFF000000u) | blue | (green << 8u) | (red << 16u);
}

fn mean_of_two(a: u32, b: u32) -> u32 {
    let share_a = a >> 24u;
    let share_b = b >> 24u;
    let total = max(share_a + share_b, 1u);
    var out = ((total + 1u) >> 1u) << 24u;
    for (var shift = 0u; shift < 24u; shift += 8u) {
        let level = ((a >> shift) & 255u) * share_a + ((b >> shift) & 255u) * share_b;
        out |= ((level + (total >> 1u)) / total) << shift;
    }
    return out;
}

fn front_at(session: u32, upper: vec2<u32>, lower: vec2<u32>) -> u32 {
    let a = upper.x;
    let b = lower.x;
    if (a & b) == NOTHING {
        return 0u;
    }
    let du = abs(i32(a & PLACE) - i32(b & PLACE));
    let dv = abs(i32((a >> 15u) & PLACE) - i32((b >> 15u) & PLACE));
    let one_part = ((a ^ b) >> 30u) == 0u && (a >> 30u) != MOUTH && a != NOTHING && b != NOTHING;
    if one_part && du + dv < ONE_SURFACE {
        return skin_at(session, a, b);
    }
    return mean_of_two(lit(session, upper), lit(session, lower));
}

fn blended(under: u32, colour: u32, share: u32) -> u32 {
    return ((under * (255u - share) + colour * share) * 257u + 32768u) >> 16u;
}

@compute @workgroup_size(8, 8)
fn compose(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= rig.width || id.y >= rig.height {
        return;
    }
    let session = id.z;
    let upper = textureLoad(samples, id.xy, session, 0).xy;
    let lower = textureLoad(samples, id.xy + vec2<u32>(0u, rig.height), session, 0).xy;
    let under = textureLoad(samples, id.xy + vec2<u32>(0u, 2u * rig.height), session, 0).x;
    let front = front_at(session, upper, lower);
    var far = 0u;
    if under != NOTHING && (front >> 24u) != 255u {
        far = backdrop_at(under);
    }
    var colour = plate[id.y * rig.width + id.x];
    let lift = i32(number(session, STILL_LIFT));
    let row = i32(id.y) - rig.still_top + (lift >> 8u);
    var cover = 0u;
    if row >= -1 {
        let share = u32(lift & 255);
        let above = still[u32(clamp(row, 0, rig.still_rows - 1)) * rig.width + id.x];
        let below = still[u32(clamp(row + 1, 0, rig.still_rows - 1)) * rig.width + id.x];
        let own_alpha = (above >> 24u) * (256u - share) + (below >> 24u) * share;
        cover = (own_alpha + 128u) >> 8u;
        var laid = 0u;
        for (var shift = 0u; shift < 24u; shift += 8u) {
            let own = ((above >> shift) & 255u) * (256u - share) + ((below >> shift) & 255u) * share;
            let behind = ((colour >> shift) & 255u) * (65280u - own_alpha) / 255u;
            laid |= min((own + behind + 128u) >> 8u, 255u) << shift;
        }
        colour = laid;
    }
    var out = 0u;
    for (var shift = 0u; shift < 24u; shift += 8u) {
        let level = blended((colour >> shift) & 255u, (far >> shift) & 255u, far >> 24u);
        out |= blended(level, (front >> shift) & 255u, front >> 24u) << shift;
    }
    cover = blended(blended(cover, 255u, far >> 24u), 255u, front >> 24u);
    frames[(session * rig.height + id.y) * rig.width + id.x] = out | (cover << 24u);
}
