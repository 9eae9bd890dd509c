// What every sample sees, as words (see texel.py), by the device's own rasteriser: one layer a session, with the head's even rows
// of samples, below them its odd ones, below them the backdrop.
@group(1) @binding(0) var<storage, read> screen: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read> place: array<vec2<f32>>;  // [V + B] in 1/16 px of the texture
@group(1) @binding(2) var<storage, read> part: array<u32>;  // [T] of the head

override STAGGER: f32;

struct Sample {
    @builtin(position) at: vec4<f32>,
    @location(0) uv: vec2<f32>,
    @location(1) light: f32,
    @location(2) @interpolate(flat, first) part: u32,
}

struct Word { @location(0) seen: vec2<u32> }

fn placed(at: vec4<f32>, x: f32, y: f32) -> vec4<f32> {
    let depth = 0.5 + at.z / (2.0 * rig.distance);
    return vec4<f32>(2.0 * x / f32(rig.width) - 1.0, 1.0 - 2.0 * y / f32(rig.height), depth, 1.0);
}

// Three vertices a triangle, from a list without an index: the part is one of the triangle.
@group(1) @binding(3) var<storage, read> corners: array<u32>;  // [3 T + 3 C], those of the backdrop last

fn head(index: u32, session: u32, odd: f32) -> Sample {
    let v = corners[index];
    let at = screen[session * (rig.vertices + rig.back_vertices) + v];
    let x = at.x + STAGGER * (1.0 - 2.0 * odd);
    let y = (at.y - odd - 0.5) / 2.0 + 0.5;
    return Sample(placed(at, x, y), place[v], at.w, part[index / 3u]);
}

@vertex
fn even(@builtin(vertex_index) index: u32, @builtin(instance_index) session: u32) -> Sample {
    return head(index, session, 0.0);
}

@vertex
fn odd(@builtin(vertex_index) index: u32, @builtin(instance_index) session: u32) -> Sample {
    return head(index, session, 1.0);
}

@vertex
fn back(@builtin(vertex_index) index: u32, @builtin(instance_index) session: u32) -> Sample {
    let v = corners[index];
    let at = screen[session * (rig.vertices + rig.back_vertices) + v];
    return Sample(placed(at, at.x, at.y), place[v], 0.0, 0u);
}

@fragment
fn word(seen: Sample) -> Word {
    let at = vec2<u32>(clamp(seen.uv, vec2<f32>(), vec2<f32>(32767.0)));
    return Word(vec2<u32>(at.x | (at.y << 15u) | (seen.part << 30u), u32(clamp(seen.light, 0.0, 255.0))));
}
