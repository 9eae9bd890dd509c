// The texture at the mean place of two samples, bilinear with weights in whole 16ths. See texel.py.
const NOTHING = 0xFFFFFFFFu;
const PLACE = 0x7FFFu;
const MOUTH = 2u;

// Four bytes a word; blended as two pairs of 16 bits, which hold 255 * 256.
fn mixed(a: u32, b: u32, share: u32) -> vec2<u32> {
    let low = (a & 0x00FF00FFu) * (16u - share) + (b & 0x00FF00FFu) * share;
    let high = ((a >> 8u) & 0x00FF00FFu) * (16u - share) + ((b >> 8u) & 0x00FF00FFu) * share;
    return vec2<u32>(low, high);
}

fn bilinear(a: u32, b: u32, c: u32, d: u32, fx: u32, fy: u32) -> u32 {
    // a and b are of the upper line, c and d of the lower one
    let left = mixed(a, c, fy);
    let right = mixed(b, d, fy);
    let low = ((left.x & 0xFFFFu) * (16u - fx) + (right.x & 0xFFFFu) * fx) >> 8u;
    let low_2 = ((left.x >> 16u) * (16u - fx) + (right.x >> 16u) * fx) >> 8u;
    let high = ((left.y & 0xFFFFu) * (16u - fx) + (right.y & 0xFFFFu) * fx) >> 8u;
    let high_2 = ((left.y >> 16u) * (16u - fx) + (right.y >> 16u) * fx) >> 8u;
    return low | (high << 8u) | (low_2 << 16u) | (high_2 << 24u);
}
