// Finished frames as the planes that video codecs take: see render/planes.py.
struct Size { width: u32, height: u32 }

@group(0) @binding(0) var<uniform> size: Size;
@group(0) @binding(1) var<storage, read> frames: array<u32>;  // BGR of one after the other, byte after byte
@group(0) @binding(2) var<storage, read_write> planes: array<u32>;  // y, u, v of one after the other, byte after byte

fn pixel(at: u32) -> vec3<u32> {
    let byte = 3u * at;
    let low = 8u * (byte & 3u);
    var bgr = frames[byte >> 2u] >> low;
    if low > 8u {
        bgr |= frames[(byte >> 2u) + 1u] << (32u - low);
    }
    return vec3<u32>(bgr & 255u, (bgr >> 8u) & 255u, (bgr >> 16u) & 255u);
}

fn luma(bgr: vec3<u32>) -> u32 {
    return (25u * bgr.x + 129u * bgr.y + 66u * bgr.z + 4224u) >> 8u;
}

// Eight px of two lines.
@compute @workgroup_size(8, 8)
fn to_planes(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= size.width / 8u || id.y >= size.height / 2u {
        return;
    }
    let count = size.width * size.height;
    let above = id.z * count + 2u * id.y * size.width + 8u * id.x;
    var upper = vec2<u32>();
    var lower = vec2<u32>();
    var u = 0u;
    var v = 0u;
    for (var k = 0u; k < 8u; k += 2u) {
        let a = pixel(above + k);
        let b = pixel(above + k + 1u);
        let c = pixel(above + size.width + k);
        let d = pixel(above + size.width + k + 1u);
        let shift = 8u * (k & 3u);
        upper[k >> 2u] |= (luma(a) << shift) | (luma(b) << (shift + 8u));
        lower[k >> 2u] |= (luma(c) << shift) | (luma(d) << (shift + 8u));
        let mean = vec3<i32>((a + b + c + d + 2u) >> vec3<u32>(2u));
        u |= u32((112 * mean.x - 74 * mean.y - 38 * mean.z + 32896) >> 8u) << (4u * k);
        v |= u32((112 * mean.z - 94 * mean.y - 18 * mean.x + 32896) >> 8u) << (4u * k);
    }
    let first = id.z * (count / 8u * 3u);
    let line = first + (2u * id.y * size.width + 8u * id.x) / 4u;
    planes[line] = upper.x;
    planes[line + 1u] = upper.y;
    planes[line + size.width / 4u] = lower.x;
    planes[line + size.width / 4u + 1u] = lower.y;
    let part = first + count / 4u + id.y * (size.width / 8u) + id.x;
    planes[part] = u;
    planes[part + count / 16u] = v;
}
