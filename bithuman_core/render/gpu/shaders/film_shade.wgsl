// From samples to pixels: the frame's own colours moved, and the inside of the mouth between the lips. See footage/shading.py.
struct Facts {
    width: u32, height: u32,
    mouth_left: i32, mouth_top: i32, mouth_width: i32, mouth_height: i32,  // with four samples a px
    patch_width: u32, patch_height: u32,
}

@group(0) @binding(0) var<uniform> facts: Facts;
@group(0) @binding(1) var<storage, read> frame: array<u32>;  // BGR, byte after byte
@group(0) @binding(2) var coarse: texture_2d<f32>;  // a sample a px
@group(0) @binding(3) var fine: texture_2d<f32>;  // four of the mouth's box, from the corner
@group(0) @binding(4) var<storage, read> inside: array<f32>;  // the patch [h, w, 3]
@group(0) @binding(5) var<storage, read_write> out: array<u32>;  // BGR, byte after byte

override STILL: f32;
override LOOSE: f32;
const AROUND = 1.0;
const INTERIOR = 2.0;

fn channel(at: u32) -> f32 {
    return f32((frame[at >> 2u] >> (8u * (at & 3u))) & 255u);
}

fn pixel(which: u32, x: i32, y: i32) -> vec3<f32> {
    let at = 3u * (u32(y) * facts.width + u32(x));
    return vec3<f32>(channel(at), channel(at + 1u), channel(at + 2u));
}

fn patch_at(x: u32, y: u32) -> vec3<f32> {
    let at = 3u * (y * facts.patch_width + x);
    return vec3<f32>(inside[at], inside[at + 1u], inside[at + 2u]);
}

fn behind(at: vec2<f32>) -> vec3<f32> {
    let u = clamp(at.x - 0.5, 0.0, f32(facts.patch_width) - 1.001);
    let v = clamp(at.y - 0.5, 0.0, f32(facts.patch_height) - 1.001);
    let iu = min(u32(u), facts.patch_width - 2u);
    let iv = min(u32(v), facts.patch_height - 2u);
    let fu = u - f32(iu);
    let fv = v - f32(iv);
    let upper = patch_at(iu, iv) * (1.0 - fu) + patch_at(iu + 1u, iv) * fu;
    let lower = patch_at(iu, iv + 1u) * (1.0 - fu) + patch_at(iu + 1u, iv + 1u) * fu;
    return upper * (1.0 - fv) + lower * fv;
}

fn shaded(x: i32, y: i32) -> vec3<u32> {
    let mx = x - facts.mouth_left;
    let my = y - facts.mouth_top;
    var outer = 0.0;
    var inner = 0.0;
    var sum = vec3<f32>();
    var seen = vec3<f32>();
    if mx >= 0 && my >= 0 && mx < facts.mouth_width && my < facts.mouth_height {
        for (var s = 0; s < 4; s++) {
            let one = textureLoad(fine, vec2<i32>(2 * mx + (s & 1), 2 * my + (s >> 1)), 0);
            if one.w == INTERIOR {
                inner += 1.0;
                seen += one.z * behind(one.xy);
            } else if one.w != 0.0 {
                outer += 1.0;
                sum += one.xyz;
            }
        }
    }
    if outer + inner == 0.0 {
        let one = textureLoad(coarse, vec2<i32>(x, y), 0);
        let far = abs(one.x - f32(x) - 0.5) + abs(one.y - f32(y) - 0.5);
        if one.w == 0.0 || (far < select(STILL, LOOSE, one.w == AROUND) && one.z > 0.999) {
            return vec3<u32>(pixel(0u, x, y));
        }
        outer = 1.0;
        sum = one.xyz;
    }
    let whole = 1.0 / (outer + inner);
    var colour = seen * whole;
    if outer > 0.0 {
        colour += fetch(0u, sum.x / outer, sum.y / outer) * (sum.z * whole);
    }
    return vec3<u32>(clamp(colour + 0.5, vec3<f32>(), vec3<f32>(255.0)));
}

@compute @workgroup_size(8, 8)
fn shade(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= facts.width / 4u || id.y >= facts.height {
        return;
    }
    let x = i32(4u * id.x);
    let y = i32(id.y);
    let a = shaded(x, y); let b = shaded(x + 1, y); let c = shaded(x + 2, y); let d = shaded(x + 3, y);
    let at = 3u * (id.y * (facts.width / 4u) + id.x);
    out[at] = a.x | (a.y << 8u) | (a.z << 16u) | (b.x << 24u);
    out[at + 1u] = b.y | (b.z << 8u) | (c.x << 16u) | (c.y << 24u);
    out[at + 2u] = c.z | (d.x << 8u) | (d.y << 16u) | (d.z << 24u);
}
