// How far aside the colours of a picture are fetched: see `HeadFlow.field`. Whoever takes this in has `facts`.
@group(0) @binding(1) var<storage, read> fields: array<vec2<f32>>;  // of each picture [rows + 1, columns + 1]

override STEP: u32;  // px of a frame between the nodes
override STILL: f32;

struct Ends { left: vec2<f32>, right: vec2<f32>, column: u32, still: bool }  // of the line of a tile

// step: px between the nodes in a plane of the picture, whose row and column this is.
fn ends(which: u32, step: u32, x: u32, y: u32) -> Ends {
    let columns = facts.width / STEP + 1u;
    let row = y / step;
    let column = x / step;
    let t = (f32(y - row * step) + 0.5) / f32(step);
    let upper = which * columns * (facts.height / STEP + 1u) + row * columns + column;
    let lower = upper + columns;
    let pace = f32(step) / f32(STEP);
    let left = pace * (fields[upper] + t * (fields[lower] - fields[upper]));
    let right = pace * (fields[upper + 1u] + t * (fields[lower + 1u] - fields[upper + 1u]));
    let most = max(abs(left), abs(right));
    return Ends(left, right, column, max(most.x, most.y) < STILL);
}
