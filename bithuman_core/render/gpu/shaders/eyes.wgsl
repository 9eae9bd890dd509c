// The eyeballs as they look now, painted into the texture. See eyes.py.
struct Eye {
    width: u32, height: u32,
    left: u32, top: u32,  // of its picture in the texture
    x0: i32, y0: i32, x1: i32, y1: i32,  // what lids can bare
    start: u32,  // of its picture in the two below
    centre_x: f32, centre_y: f32, radius: f32,
}

@group(1) @binding(0) var<storage, read> eyes: array<Eye>;
@group(1) @binding(1) var<storage, read> pictures: array<u32>;  // BGR and the shade of lids and brow
@group(1) @binding(2) var<storage, read> lights: array<u32>;  // BGR of the catchlights
@group(1) @binding(3) var<storage, read_write> texture: array<u32>;

@compute @workgroup_size(8, 8)
fn paint(@builtin(global_invocation_id) id: vec3<u32>) {
    let session = id.z / 2u;
    let which = id.z % 2u;
    let eye = eyes[which];
    let column = i32(id.x) + eye.x0;
    let row = i32(id.y) + eye.y0;
    if column >= eye.x1 || row >= eye.y1 {
        return;
    }
    let said = EYES + which * AN_EYE;
    let cy = number(session, said); let sy = number(session, said + 1u);
    let cp = number(session, said + 2u); let sp = number(session, said + 3u);
    let level = number(session, said + 4u) * (1.0 / 255.0);
    let lid = number(session, said + 5u);
    let mirror = vec2<f32>(number(session, said + 6u), number(session, said + 7u));
    let most = vec2<f32>(f32(eye.width) - 1.001, f32(eye.height) - 1.001);
    let last = vec2<i32>(i32(eye.width) - 2, i32(eye.height) - 2);
    let here = vec2<f32>(f32(column), f32(row));
    let centre = vec2<f32>(eye.centre_x, eye.centre_y);
    var p = (here + 0.5 - centre) / eye.radius;
    let bow = max(1.0 - p.x * p.x * 1.3, 0.0);
    var rr = dot(p, p);
    if rr > 0.97 {
        p *= sqrt(0.97 / rr);
        rr = 0.97;
    }
    let pz = -sqrt(1.0 - rr);
    let qy = cp * p.y - sp * pz;
    let qz = sp * p.y + cp * pz;
    let qx = cy * p.x + sy * qz;
    let at = clamp(centre + vec2<f32>(qx, qy) * eye.radius - 0.5, vec2<f32>(), most);
    let whole = clamp(vec2<i32>(at), vec2<i32>(), last);
    let share = vec2<u32>(16.0 * (at - vec2<f32>(whole)));
    let spot = eye.start + u32(whole.y) * eye.width + u32(whole.x);
    let word = bilinear(pictures[spot], pictures[spot + 1u], pictures[spot + eye.width], pictures[spot + eye.width + 1u], share.x, share.y);
    let sv = clamp(here.y - lid * bow, 0.0, most.y);
    let s0 = clamp(i32(sv), 0, last.y);
    let fs = sv - f32(s0);
    let line = eye.start + u32(s0) * eye.width + u32(column);
    let shade = level * (f32(pictures[line] >> 24u) * (1.0 - fs) + f32(pictures[line + eye.width] >> 24u) * fs);
    let m = clamp(here - mirror, vec2<f32>(), most);
    let corner = clamp(vec2<i32>(m), vec2<i32>(), last);
    let part = vec2<u32>(16.0 * (m - vec2<f32>(corner)));
    let glint = eye.start + u32(corner.y) * eye.width + u32(corner.x);
    let light = bilinear(lights[glint], lights[glint + 1u], lights[glint + eye.width], lights[glint + eye.width + 1u], part.x, part.y);
    var packed = 0xFF000000u;
    for (var k = 0u; k < 3u; k++) {
        let value = f32((word >> (8u * k)) & 255u) * shade + f32((light >> (8u * k)) & 255u);
        packed |= u32(min(value, 255.0)) << (8u * k);
    }
    texture[(session * rig.texture_height + eye.top + u32(row)) * rig.texture_width + eye.left + u32(column)] = packed;
}
