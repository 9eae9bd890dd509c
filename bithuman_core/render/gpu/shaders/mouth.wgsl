// Light inside the mouth: what the open lips let in. See mouth.py, whose constants these are.
@group(1) @binding(0) var<storage, read> lip_index: array<u32>;  // [4, 3] upper, lower, image left, image right
@group(1) @binding(1) var<storage, read> lip_weight: array<f32>;
@group(1) @binding(2) var<storage, read> inside: array<u32>;  // vertices of the mouth
@group(1) @binding(3) var<storage, read> points: array<vec4<f32>>;
@group(1) @binding(4) var<storage, read_write> screen: array<vec4<f32>>;

override DEPTH: f32;
override DEEPER: f32;
override NARROW: f32;
override LIP_SHADOW: f32;
override SHADE: f32;
override STRENGTH: f32;
override NARROWEST: f32;

fn lip(session: u32, which: u32) -> vec3<f32> {
    var at = vec3<f32>();
    for (var j = 0u; j < 3u; j++) {
        at += lip_weight[3u * which + j] * points[session * rig.vertices + lip_index[3u * which + j]].xyz;
    }
    return at;
}

@compute @workgroup_size(64)
fn light(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= rig.inside {
        return;
    }
    let session = id.y;
    let upper_lip = lip(session, 0u); let lower_lip = lip(session, 1u);
    let left = lip(session, 2u); let right = lip(session, 3u);
    let gap = max(lower_lip.y - upper_lip.y, 0.0);
    let half_width = max((right.x - left.x) * 0.5, NARROWEST * rig.face_width);
    let middle = (left.x + right.x) * 0.5;
    let corner = (left.y + right.y) * 0.5;
    let front = (upper_lip.z + lower_lip.z) * 0.5;
    let reach = DEPTH * rig.face_width + DEEPER * gap;
    let v = inside[id.x];
    let at = points[session * rig.vertices + v].xyz;
    let across = (at.x - middle) / half_width;
    let bow = max(1.0 - across * across, 0.0);
    let opening = gap * bow;
    let upper = corner + (upper_lip.y - corner) * bow;
    let behind = max(at.z - front, 0.0);
    let far = behind / reach;
    let deep = exp(-far * sqrt(far));
    let below = clamp((at.y - upper) / (LIP_SHADOW * rig.face_width), 0.0, 1.0);
    let shadow = SHADE + (1.0 - SHADE) * below * (2.0 - below);
    let taken = NARROW * rig.face_width + rig.mouth_cover * behind;
    screen[session * (rig.vertices + rig.back_vertices) + v].w = 255.0 * min(STRENGTH * deep * shadow * opening / (opening + taken), 1.0);
}
