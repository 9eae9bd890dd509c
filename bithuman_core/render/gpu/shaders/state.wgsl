// The numbers of a face that the other passes read (see rig.wgsl), made from what was sent up of it (see numbers.py).
struct Gaze {  // of the left eye, of the right one: the coefficients that move it, to which side it looks outwards
    inwards: u32, outwards: u32, up: u32, down: u32, blink: u32, wide: u32,
    side: f32, radius: f32,
}
struct Driver { first: u32, second: u32, full: f32 }  // of a corrective: two coefficients; or an angle (second: TURN) and its end

@group(1) @binding(0) var<storage, read> sent: array<f32>;  // [sessions, SENT]
@group(1) @binding(1) var<storage, read> gazes: array<Gaze>;
@group(1) @binding(2) var<storage, read> drivers: array<Driver>;
@group(1) @binding(3) var<storage, read_write> made: array<f32>;  // [sessions, rig.numbers]

override STEPS: f32;
override LID: f32;
override WIDE: f32;
override FOLLOWS: f32;
override SHUT: f32;
override TIGHT: f32;
override DUSK: f32;
override MIRROR: f32;

const SENT = 59u;
const COEFFICIENTS = 52u;
const SENT_AMOUNT = 7u;  // before it head and lift, as in what is made
const TURN = 0xFFFFFFFFu;

fn coefficient(session: u32, which: u32) -> f32 {
    return sent[session * SENT + SENT_AMOUNT + which];
}

// How far a row of the residuals acts: see correctives.py.
fn amount(session: u32, row: u32) -> f32 {
    if row < COEFFICIENTS {
        return coefficient(session, row);
    }
    let driver = drivers[row - COEFFICIENTS];
    if driver.second == TURN {
        return clamp(sent[session * SENT + HEAD + driver.first] / driver.full, 0.0, 1.0);
    }
    return coefficient(session, driver.first) * coefficient(session, driver.second);
}

// How an eye looks: see eyes.py.
fn look(session: u32, which: u32, out: u32) {
    let gaze = gazes[which];
    let head = session * SENT + HEAD;
    let yaw = gaze.side * rig.gaze_side * (coefficient(session, gaze.outwards) - coefficient(session, gaze.inwards));
    let down = coefficient(session, gaze.down);
    let pitch = rig.gaze_up * coefficient(session, gaze.up) - rig.gaze_down * down;
    let steps = STEPS * gaze.radius;
    let lid = round(steps * (LID * (coefficient(session, gaze.blink) + FOLLOWS * down) - WIDE * coefficient(session, gaze.wide)));
    let dusk = clamp((lid / steps / LID - SHUT) / (TIGHT - SHUT), 0.0, 1.0);
    let turned = round(steps * vec2<f32>(yaw, pitch)) / steps;
    let mirror = MIRROR * vec2<f32>(sine(yaw - sent[head]), -sine(pitch - sent[head + 1u]));
    made[out] = cosine(turned.x);
    made[out + 1u] = sine(turned.x);
    made[out + 2u] = cosine(turned.y);
    made[out + 3u] = sine(turned.y);
    made[out + 4u] = rig.shade_scale * (1.0 - DUSK * dusk * dusk * (3.0 - 2.0 * dusk));
    made[out + 5u] = lid / STEPS;
    made[out + 6u] = round(steps * mirror.x) / STEPS;
    made[out + 7u] = round(steps * mirror.y) / STEPS;
}

@compute @workgroup_size(64)
fn state(@builtin(global_invocation_id) id: vec3<u32>) {
    let session = id.y;
    let row = session * rig.numbers;
    if id.x <= LIFT {
        made[row + id.x] = sent[session * SENT + id.x];
    }
    if id.x == LIFT {
        made[row + STILL_LIFT] = floor(256.0 * (sent[session * SENT + LIFT] * rig.scale) + 0.5);
    }
    if id.x < 2u {
        look(session, id.x, row + EYES + id.x * AN_EYE);
    }
    if id.x < rig.numbers - AMOUNT {
        made[row + AMOUNT + id.x] = amount(session, id.x);
    }
}
