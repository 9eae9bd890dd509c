// Where each sample of a moved face comes from (see footage/raster.py): x, y in the picture, light, kind.
struct Box { left: f32, top: f32, width: f32, height: f32 }  // of what is drawn, frame px

@group(0) @binding(0) var<uniform> box: Box;
@group(0) @binding(1) var<storage, read> places: array<vec4<f32>>;  // x, y (frame px), depth, light
@group(0) @binding(2) var<storage, read> fetched: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> corners: array<u32>;

override KIND: f32;
override DEPTH: f32;  // that stands for nearest and farthest, half of it each way

struct Sample {
    @builtin(position) at: vec4<f32>,
    @location(0) origin: vec2<f32>,
    @location(1) light: f32,
}

@vertex
fn corner(@builtin(vertex_index) index: u32) -> Sample {
    let v = corners[index];
    let p = places[v];
    let x = 2.0 * (p.x - box.left) / box.width - 1.0;
    let y = 1.0 - 2.0 * (p.y - box.top) / box.height;
    return Sample(vec4<f32>(x, y, clamp(0.5 + p.z / DEPTH, 0.0, 1.0), 1.0), fetched[v], p.w);
}

@fragment
fn sampled(seen: Sample) -> @location(0) vec4<f32> {
    return vec4<f32>(seen.origin, seen.light, KIND);
}
