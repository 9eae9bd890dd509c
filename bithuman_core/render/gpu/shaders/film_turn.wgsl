// Pictures as a film codes them, moved and mixed, and their colours: see footage/planes.py and turning.py.
struct Facts {
    width: u32, height: u32,
    last: u32,  // picture: 0 or 1
    moved: u32,
    share: f32, sharper: f32,
}
struct Plane { start: u32, width: u32, height: u32, step: u32 }  // start: its first byte

@group(0) @binding(0) var<uniform> facts: Facts;
@group(0) @binding(2) var<storage, read> pictures: array<u32>;  // y, u, v of one after the other, byte after byte
@group(0) @binding(3) var<storage, read_write> shifted: array<u32>;  // as pictures
@group(0) @binding(4) var<storage, read_write> frame: array<u32>;  // BGR, byte after byte

override SHARP: f32;

fn size() -> u32 {
    return facts.width * facts.height * 3u / 2u;
}

fn plane_at(which: u32, at: u32) -> Plane {
    let luma = facts.width * facts.height;
    let start = which * size();
    if at < luma {
        return Plane(start, facts.width, facts.height, STEP);
    }
    let second = select(0u, luma / 4u, at >= luma / 4u * 5u);
    return Plane(start + luma + second, facts.width / 2u, facts.height / 2u, STEP / 2u);
}

fn byte(at: u32) -> f32 {
    return f32((pictures[at >> 2u] >> (8u * (at & 3u))) & 255u);
}

fn cubic(distance: f32) -> f32 {
    let t = abs(distance);
    let near = ((SHARP + 2.0) * t - (SHARP + 3.0)) * t * t + 1.0;
    let far = SHARP * (((t - 5.0) * t + 8.0) * t - 4.0);
    return select(select(0.0, far, t < 2.0), near, t < 1.0);
}

// The sample `k` of a tile's line. far, high: where its colour lies, from the second of six samples on, each way.
fn sharply(plane: Plane, first: i32, far: f32, high: f32) -> u32 {
    let column = i32(floor(far));
    let row = i32(floor(high));
    var sum = 0.5;
    for (var j = max(row, 0); j <= min(row + 3, 5); j++) {
        var line = 0.0;
        for (var i = max(column, 0); i <= min(column + 3, 5); i++) {
            line += cubic(far + 1.0 - f32(i)) * byte(plane.start + u32(first + j * i32(plane.width) + i));
        }
        sum += cubic(high + 1.0 - f32(j)) * line;
    }
    return u32(clamp(sum, 0.0, 255.0));
}

// Four samples of one line of one tile.
@compute @workgroup_size(64)
fn shift(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = 4u * id.x;
    let which = id.y;
    if at >= size() {
        return;
    }
    let plane = plane_at(which, at);
    let place = which * size() + at - plane.start;
    let x = place % plane.width;
    let y = place / plane.width;
    let row = y / plane.step;
    let line = ends(which, plane.step, x, y);
    let outermost = row == 0u || line.column == 0u || row == plane.height / plane.step - 1u || line.column == plane.width / plane.step - 1u;
    let word = (which * size() + at) >> 2u;
    if outermost || line.still {
        shifted[word] = pictures[word];
        return;
    }
    let begin = i32(line.column * plane.step);
    let wide = i32(plane.width);
    let least = floor(min(line.left, line.right));
    let aside = min(max(i32(least.x), 1 - begin), wide - 6 - i32(plane.step) - begin);
    let down = min(max(i32(least.y), 1 - i32(y)), i32(plane.height) - 6 - i32(y));
    let slope = (line.right - line.left) / f32(plane.step);
    let start = line.left - vec2<f32>(f32(aside), f32(down));
    var packed = 0u;
    for (var k = 0u; k < 4u; k++) {
        let part = f32(i32(x + k) - begin) + 0.5;
        let first = (i32(y) + down - 1) * wide + i32(x + k) + aside - 1;
        packed |= sharply(plane, first, start.x + part * slope.x, start.y + part * slope.y) << (8u * k);
    }
    shifted[word] = packed;
}

fn level(which: u32, at: u32) -> f32 {
    let place = which * size() + at;
    return f32((shifted[place >> 2u] >> (8u * (place & 3u))) & 255u);
}

fn mixed(at: u32) -> i32 {
    return i32((1.0 - facts.share) * level(0u, at) + facts.share * level(facts.last, at) + 0.5);
}

fn around(which: u32, at: u32) -> f32 {
    return level(which, at - 1u) + level(which, at + 1u) + level(which, at - facts.width) + level(which, at + facts.width);
}

fn bright(x: u32, y: u32) -> i32 {
    let at = y * facts.width + x;
    if facts.sharper == 0.0 || x == 0u || y == 0u || x == facts.width - 1u || y == facts.height - 1u {
        return mixed(at);
    }
    let share = vec2<f32>(1.0 - facts.share, facts.share);
    let own = dot(share, vec2<f32>(level(0u, at), level(facts.last, at)));
    let others = dot(share, vec2<f32>(around(0u, at), around(facts.last, at)));
    return i32(clamp((1.0 + 4.0 * facts.sharper) * own - facts.sharper * others + 0.5, 0.0, 255.0));
}

// As FFmpeg's: products of 13 bits, each cut to whole levels.
fn coloured(y: i32, u: i32, v: i32) -> vec3<u32> {
    let light = (8 * (y - 16) * 9539) >> 16u;
    let blue = (8 * (u - 128) * 16525) >> 16u;
    let green = ((-8 * (u - 128) * 3209) >> 16u) + ((-8 * (v - 128) * 6660) >> 16u);
    let red = (8 * (v - 128) * 13075) >> 16u;
    return vec3<u32>(clamp(light + vec3<i32>(blue, green, red), vec3<i32>(0), vec3<i32>(255)));
}

// Four px of a line.
@compute @workgroup_size(8, 8)
fn colour(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= facts.width / 4u || id.y >= facts.height {
        return;
    }
    let x = 4u * id.x;
    let luma = facts.width * facts.height;
    let half = luma + (id.y / 2u) * (facts.width / 2u) + 2u * id.x;
    let u = vec2<i32>(mixed(half), mixed(half + 1u));
    let v = vec2<i32>(mixed(half + luma / 4u), mixed(half + luma / 4u + 1u));
    let a = coloured(bright(x, id.y), u.x, v.x);
    let b = coloured(bright(x + 1u, id.y), u.x, v.x);
    let c = coloured(bright(x + 2u, id.y), u.y, v.y);
    let d = coloured(bright(x + 3u, id.y), u.y, v.y);
    let at = 3u * (id.y * (facts.width / 4u) + id.x);
    frame[at] = a.x | (a.y << 8u) | (a.z << 16u) | (b.x << 24u);
    frame[at + 1u] = b.y | (b.z << 8u) | (c.x << 16u) | (c.y << 24u);
    frame[at + 2u] = c.z | (d.x << 8u) | (d.y << 16u) | (d.z << 24u);
}
