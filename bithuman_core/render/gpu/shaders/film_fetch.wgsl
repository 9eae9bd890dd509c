// Colours between the px of a picture, by cubic convolution: see footage/shading.py. Whoever takes this in has `pixel` and `facts`.
override SHARP: f32;

fn weights(t: f32) -> vec4<f32> {
    let first = SHARP * t * (1.0 - t) * (1.0 - t);
    let second = 1.0 + t * t * ((SHARP + 2.0) * t - SHARP - 3.0);
    let last = SHARP * t * t * (1.0 - t);
    return vec4<f32>(first, second, 1.0 - first - second - last, last);
}

fn fetch(which: u32, x: f32, y: f32) -> vec3<f32> {
    let u = clamp(x - 0.5, 1.0, f32(facts.width) - 3.0);
    let v = clamp(y - 0.5, 1.0, f32(facts.height) - 4.0);
    let iu = clamp(i32(u), 1, i32(facts.width) - 3);
    let iv = clamp(i32(v), 1, i32(facts.height) - 4);
    let across = weights(u - f32(iu));
    let down = weights(v - f32(iv));
    var sum = vec3<f32>();
    for (var k = 0; k < 4; k++) {
        let column = iu - 1 + k;
        var line = vec3<f32>();
        for (var j = 0; j < 4; j++) {
            line += down[j] * pixel(which, column, iv - 1 + j);
        }
        sum += across[k] * line;
    }
    return sum;
}
