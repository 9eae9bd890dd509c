// Persons without their background, moved, mixed and laid over a plate: see footage/cut_out.py.
struct Facts {
    width: u32, height: u32,
    last: u32,  // person: 0 or 1
    moved: u32,
    share: f32, sharper: f32,
}

@group(0) @binding(0) var<uniform> facts: Facts;
@group(0) @binding(2) var<storage, read> persons: array<u32>;  // BGR of one after the other, times alpha, byte after byte
@group(0) @binding(3) var<storage, read> covers: array<u32>;  // their alpha
@group(0) @binding(4) var<storage, read> plate: array<u32>;  // BGR, byte after byte
@group(0) @binding(5) var<storage, read_write> shifted: array<u32>;  // [persons, height, width] packed BGRA
@group(0) @binding(6) var<storage, read_write> frame: array<u32>;  // BGR, byte after byte

fn pixel(which: u32, x: i32, y: i32) -> vec3<f32> {
    let at = 3u * ((which * facts.height + u32(y)) * facts.width + u32(x));
    let word = at >> 2u;
    let low = 8u * (at & 3u);
    var bgr = persons[word] >> low;
    if low > 8u {
        bgr |= persons[word + 1u] << (32u - low);
    }
    return vec3<f32>(f32(bgr & 255u), f32((bgr >> 8u) & 255u), f32((bgr >> 16u) & 255u));
}

fn cover(which: u32, x: u32, y: u32) -> f32 {
    let at = (which * facts.height + y) * facts.width + x;
    return f32((covers[at >> 2u] >> (8u * (at & 3u))) & 255u);
}

@compute @workgroup_size(8, 8)
fn shift(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= facts.width || id.y >= facts.height {
        return;
    }
    let which = id.z;
    var colour = pixel(which, i32(id.x), i32(id.y));
    var alpha = cover(which, id.x, id.y);
    if facts.moved != 0u {
        let line = ends(which, STEP, id.x, id.y);
        if !line.still {
            let part = (f32(id.x - line.column * STEP) + 0.5) / f32(STEP);
            let at = vec2<f32>(id.xy) + line.left + part * (line.right - line.left);
            colour = clamp(fetch(which, at.x + 0.5, at.y + 0.5) + 0.5, vec3<f32>(), vec3<f32>(255.0));
            let most = vec2<f32>(f32(facts.width), f32(facts.height)) - 1.001;
            let held = clamp(at, vec2<f32>(), most);
            let whole = min(vec2<u32>(held), vec2<u32>(facts.width - 2u, facts.height - 2u));
            let share = held - vec2<f32>(whole);
            let upper = cover(which, whole.x, whole.y) * (1.0 - share.x) + cover(which, whole.x + 1u, whole.y) * share.x;
            let lower = cover(which, whole.x, whole.y + 1u) * (1.0 - share.x) + cover(which, whole.x + 1u, whole.y + 1u) * share.x;
            alpha = upper + share.y * (lower - upper) + 0.5;
        }
    }
    let bgr = vec3<u32>(colour);
    shifted[(which * facts.height + id.y) * facts.width + id.x] = bgr.x | (bgr.y << 8u) | (bgr.z << 16u) | (u32(alpha) << 24u);
}

fn levels(which: u32, x: u32, y: u32) -> vec4<f32> {
    let word = shifted[(which * facts.height + y) * facts.width + x];
    return vec4<f32>(vec4<u32>(word, word >> 8u, word >> 16u, word >> 24u) & vec4<u32>(255u));
}

fn around(which: u32, x: u32, y: u32) -> vec4<f32> {
    let left = levels(which, max(x, 1u) - 1u, y) + levels(which, min(x + 1u, facts.width - 1u), y);
    return left + levels(which, x, max(y, 1u) - 1u) + levels(which, x, min(y + 1u, facts.height - 1u));
}

fn plate_at(at: u32) -> u32 {
    return (plate[at >> 2u] >> (8u * (at & 3u))) & 255u;
}

fn laid(x: u32, y: u32) -> vec3<u32> {
    let first = levels(0u, x, y);
    let second = levels(facts.last, x, y);
    let alpha = u32(first.w + facts.share * (second.w - first.w) + 0.5);
    var own = first.xyz;
    if facts.moved != 0u {
        let mixed = (1.0 - facts.share) * first + facts.share * second;
        let others = (1.0 - facts.share) * around(0u, x, y) + facts.share * around(facts.last, x, y);
        own = clamp((1.0 + 4.0 * facts.sharper) * mixed - facts.sharper * others + 0.5, vec4<f32>(), vec4<f32>(255.0)).xyz;
    }
    let at = 3u * (y * facts.width + x);
    let under = vec3<u32>(plate_at(at), plate_at(at + 1u), plate_at(at + 2u)) * (255u - alpha);
    return min(vec3<u32>(own), vec3<u32>(alpha)) + ((under * 257u + 32768u) >> vec3<u32>(16u));
}

// Four px of a line.
@compute @workgroup_size(8, 8)
fn lay(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= facts.width / 4u || id.y >= facts.height {
        return;
    }
    let x = 4u * id.x;
    let a = laid(x, id.y); let b = laid(x + 1u, id.y); let c = laid(x + 2u, id.y); let d = laid(x + 3u, id.y);
    let at = 3u * (id.y * (facts.width / 4u) + id.x);
    frame[at] = a.x | (a.y << 8u) | (a.z << 16u) | (b.x << 24u);
    frame[at + 1u] = b.y | (b.z << 8u) | (c.x << 16u) | (c.y << 24u);
    frame[at + 2u] = c.z | (d.x << 8u) | (d.y << 16u) | (d.z << 24u);
}
