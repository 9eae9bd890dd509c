// A device may be wrong by 0.0005 in its own sine: by a tenth of a px at the outline of a head. Angles are below 1.
fn sine(x: f32) -> f32 {
    let y = x * x;
    return x * (1.0 - y / 6.0 * (1.0 - y / 20.0 * (1.0 - y / 42.0 * (1.0 - y / 72.0 * (1.0 - y / 110.0)))));
}

fn cosine(x: f32) -> f32 {
    let y = x * x;
    return 1.0 - y / 2.0 * (1.0 - y / 12.0 * (1.0 - y / 30.0 * (1.0 - y / 56.0 * (1.0 - y / 90.0 * (1.0 - y / 132.0)))));
}
