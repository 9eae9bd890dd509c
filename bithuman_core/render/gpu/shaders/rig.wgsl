// What all passes know of the avatar; every number takes four bytes, in the order of portrait.py.
struct Rig {
    width: u32, height: u32,  // px of a frame
    vertices: u32, back_vertices: u32,
    texture_width: u32, texture_height: u32,
    back_width: u32, back_height: u32,
    side: u32,  // px of the residuals' detail; the smooth part has half of it
    rows: u32,  // of the residuals
    numbers: u32,  // of a session and frame
    inside: u32,  // vertices of the mouth
    still_top: i32, still_rows: i32,
    filter_side: u32,  // share of a neighbour in 16ths
    transparent: u32,
    pivot_x: f32, pivot_y: f32, pivot_z: f32,
    distance: f32,
    centre_x: f32, centre_y: f32,
    scale: f32,  // px of the frame to one of the canvas
    face_width: f32,
    mouth_cover: f32,
    gaze_side: f32, gaze_up: f32, gaze_down: f32,  // radians at coefficient 1
    shade_scale: f32,
}

@group(0) @binding(0) var<storage, read> rig: Rig;
@group(0) @binding(1) var<storage, read> numbers: array<f32>;  // of each session, see state.wgsl

const HEAD = 0u;  // yaw, pitch, roll (radians), x, y, z (px)
const LIFT = 6u;
const STILL_LIFT = 7u;  // in 256ths of a px
const EYES = 8u;
const AN_EYE = 8u;
const AMOUNT = 24u;  // of the 52 coefficients and the correctives, 0..1

fn number(session: u32, which: u32) -> f32 {
    return numbers[session * rig.numbers + which];
}
