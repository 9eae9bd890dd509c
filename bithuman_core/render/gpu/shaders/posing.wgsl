// Vertices of the head and of the backdrop: blendshapes, the turn of the head, perspective. See posing.py.
@group(1) @binding(0) var<storage, read> neutral: array<f32>;  // [V, 3] px space
@group(1) @binding(1) var<storage, read> weight: array<u32>;  // [V] how far a vertex follows the head, 0..255
@group(1) @binding(2) var<storage, read> first: array<u32>;  // [V + 1] into the next two
@group(1) @binding(3) var<storage, read> shape: array<u32>;
@group(1) @binding(4) var<storage, read> delta: array<f32>;  // [N, 3]
@group(1) @binding(5) var<storage, read> back_neutral: array<f32>;
@group(1) @binding(6) var<storage, read> back_weight: array<u32>;
@group(1) @binding(7) var<storage, read_write> points: array<vec4<f32>>;  // [sessions, V] posed, head straight
@group(1) @binding(8) var<storage, read_write> screen: array<vec4<f32>>;  // [sessions, V + B] x, y (samples), z, light

fn projected(session: u32, at: vec3<f32>, follows: u32, tall: f32) -> vec4<f32> {
    let w = f32(follows) / 255.0;
    let yaw = w * number(session, HEAD);
    let pitch = w * number(session, HEAD + 1u);
    let roll = w * number(session, HEAD + 2u);
    let cy = cosine(yaw); let sy = sine(yaw);
    let cp = cosine(pitch); let sp = sine(pitch);
    let cr = cosine(roll); let sr = sine(roll);
    let pivot = vec3<f32>(rig.pivot_x, rig.pivot_y, rig.pivot_z);
    let p = at - pivot;
    let breath = (1.0 - w) * (1.0 - w) * number(session, LIFT);
    let shift = w * vec3<f32>(number(session, HEAD + 3u), number(session, HEAD + 4u), number(session, HEAD + 5u));
    let x = (cr * cy - sr * sp * sy) * p.x - sr * cp * p.y + (-cr * sy - sr * sp * cy) * p.z + pivot.x + shift.x;
    let y = (sr * cy + cr * sp * sy) * p.x + cr * cp * p.y + (-sr * sy + cr * sp * cy) * p.z + pivot.y + shift.y - breath;
    let z = cp * sy * p.x - sp * p.y + cp * cy * p.z + pivot.z + shift.z;
    let k = rig.distance / (rig.distance + z);
    return vec4<f32>((rig.centre_x + x * k) * rig.scale, (rig.centre_y + y * k) * rig.scale * tall, z, 0.0);
}

@compute @workgroup_size(64)
fn pose(@builtin(global_invocation_id) id: vec3<u32>) {
    let v = id.x;
    let session = id.y;
    if v >= rig.vertices + rig.back_vertices {
        return;
    }
    let place = session * (rig.vertices + rig.back_vertices) + v;
    if v >= rig.vertices {
        let b = v - rig.vertices;
        let at = vec3<f32>(back_neutral[3u * b], back_neutral[3u * b + 1u], back_neutral[3u * b + 2u]);
        screen[place] = projected(session, at, back_weight[b], 1.0);
        return;
    }
    var at = vec3<f32>(neutral[3u * v], neutral[3u * v + 1u], neutral[3u * v + 2u]);
    for (var k = first[v]; k < first[v + 1u]; k++) {
        let amount = number(session, AMOUNT + shape[k]);
        if amount != 0.0 {
            at += amount * vec3<f32>(delta[3u * k], delta[3u * k + 1u], delta[3u * k + 2u]);
        }
    }
    points[session * rig.vertices + v] = vec4<f32>(at, 0.0);
    screen[place] = projected(session, at, weight[v], 2.0);
}
