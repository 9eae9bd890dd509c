// The pixel filter (see pixel_filter.py), and the bytes that go back: BGR, four pixels in three words; or BGRA.
@group(1) @binding(0) var<storage, read> frames: array<u32>;
@group(1) @binding(1) var<storage, read_write> out: array<u32>;

fn line(session: u32, x: i32, y: i32) -> vec4<u32> {
    let row = (session * rig.height + u32(clamp(y, 0, i32(rig.height) - 1))) * rig.width;
    let last = i32(rig.width) - 1;
    var sum = vec4<u32>();
    for (var d = -1; d <= 1; d++) {
        let word = frames[row + u32(clamp(x + d, 0, last))];
        let weight = select(rig.filter_side, 16u - 2u * rig.filter_side, d == 0);
        sum += weight * (vec4<u32>(word, word >> 8u, word >> 16u, word >> 24u) & vec4<u32>(255u));
    }
    return sum;
}

fn pixel(session: u32, x: i32, y: i32) -> u32 {
    if rig.filter_side == 0u {
        return frames[(session * rig.height + u32(y)) * rig.width + u32(x)];
    }
    let side = rig.filter_side;
    let sum = (16u - 2u * side) * line(session, x, y) + side * (line(session, x, y - 1) + line(session, x, y + 1)) + 128u;
    let level = sum >> vec4<u32>(8u);
    return level.x | (level.y << 8u) | (level.z << 16u) | (level.w << 24u);
}

@compute @workgroup_size(8, 8)
fn bgr(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= rig.width / 4u || id.y >= rig.height {
        return;
    }
    let x = i32(4u * id.x);
    let y = i32(id.y);
    let a = pixel(id.z, x, y) & 0xFFFFFFu;
    let b = pixel(id.z, x + 1, y) & 0xFFFFFFu;
    let c = pixel(id.z, x + 2, y) & 0xFFFFFFu;
    let d = pixel(id.z, x + 3, y) & 0xFFFFFFu;
    let at = 3u * ((id.z * rig.height + id.y) * (rig.width / 4u) + id.x);
    out[at] = a | (b << 24u);
    out[at + 1u] = (b >> 8u) | (c << 16u);
    out[at + 2u] = (c >> 16u) | (d << 8u);
}

@compute @workgroup_size(8, 8)
fn bgra(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < rig.width && id.y < rig.height {
        out[(id.z * rig.height + id.y) * rig.width + id.x] = pixel(id.z, i32(id.x), i32(id.y));
    }
}
