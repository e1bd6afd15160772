// Where the samples of a view, or of the whole panorama scaled, come from.
//
// The mapping is computed once for a part of the output, in its middle, as a polynomial of second order with its exact
// derivatives: a table would have to be made, sent and read for each frame.
//
// Compile with PROJECTION, one of these; what follows is in cuda_cells.cu and cuda_blocks.cu.

#define EQUIRECTANGULAR 0
#define CYLINDRICAL 1
#define AFFINE 2    // scaled only, with black around
#define STRAIGHT 3  // the pitch projection, whose touchlines are straight: 2 tan(yaw / 2) and tan(pitch) / cos(yaw)

struct Mapping {
    float start_x, start_y, step_x, step_y;      // ray, or source position in AFFINE: start + step * output sample
    float sine, cosine;                          // of the view's pitch
    float scale_x, scale_y, origin_x, origin_y;  // source position = origin + scale * (column, row of the projection)
    float turn_sine, turn_cosine;                // of the view's yaw from the panorama's normal, in STRAIGHT
    int fetches;                                 // along each axis for one sample
    int rows;                                    // of luma that a block has room for in shared memory
};

struct Output {
    unsigned char *luma, *chroma;
    int luma_pitch, chroma_pitch;
    int width, height;
    int left, top, right, bottom;  // AFFINE: the part that shows something, even luma samples; black around it
};

struct Source {
    cudaTextureObject_t luma_texture, chroma_texture;  // bilinear, clamped, 0 .. 1, coordinates in samples
    const unsigned char *luma, *chroma;                // rows on 16 bytes
    int luma_pitch, chroma_pitch, width, height;
};

// One axis of the mapping, in the offsets from the middle of a part of the output.
struct Bend {
    float at, x, y, xx, xy, yy;
};

struct Line {
    float at, x, xx;
};

__device__ inline Line line_of(const Bend &bend, float y)
{
    return {bend.at + y * (bend.y + y * bend.yy), bend.x + y * bend.xy, bend.xx};
}

__device__ inline float on(const Line &line, float x)
{
    return line.at + x * (line.x + x * line.xx);
}

__device__ inline Bend halved(const Bend &b)
{
    return {0.5f * b.at, 0.5f * b.x, 0.5f * b.y, 0.5f * b.xx, 0.5f * b.xy, 0.5f * b.yy};
}

#if PROJECTION == STRAIGHT
// From yaw, in radians, to 2 tan(yaw / 2): the chain rule. t: tan(yaw / 2).
__device__ inline Bend spread_out(const Bend &yaw, float t)
{
    const float slope = 1.0f + t * t, bend = slope * t;
    return {2.0f * t, slope * yaw.x, slope * yaw.y, slope * yaw.xx + 0.5f * bend * yaw.x * yaw.x,
            slope * yaw.xy + bend * yaw.x * yaw.y, slope * yaw.yy + 0.5f * bend * yaw.y * yaw.y};
}

// rise / depth, both linear: of r = u / z the derivatives are (u' - r z') / z, and -2 r' z' / z for the next.
__device__ inline Bend quotient(float rise, float rise_y, float depth, float depth_x, float depth_y)
{
    const float per_depth = 1.0f / depth, r = rise * per_depth;
    const float x = -r * depth_x * per_depth, y = (rise_y - r * depth_y) * per_depth;
    return {r, x, y, -x * depth_x * per_depth, -(x * depth_y + y * depth_x) * per_depth, -y * depth_y * per_depth};
}

__device__ inline Bend scaled(const Bend &b, float origin, float scale, float step)
{
    const float one = scale * step, two = one * step;
    return {origin + scale * b.at, one * b.x, one * b.y, two * b.xx, two * b.xy, two * b.yy};
}
#endif

// The mapping around the output position (x, y), in luma samples.
__device__ inline void bends(const Mapping &map, float x, float y, Bend &across, Bend &down)
{
    const float a = map.start_x + map.step_x * x, b = map.start_y + map.step_y * y;
#if PROJECTION == AFFINE
    across = {a, map.step_x, 0, 0, 0, 0};
    down = {b, 0, map.step_y, 0, 0, 0};
#else
    // The ray (a, b, 1) tilted by the view's pitch is (a, -rise, ahead).
    const float sine = map.sine, cosine = map.cosine, step = map.step_x;
    const float rise = sine - cosine * b, ahead = cosine + sine * b;
    const float level = a * a + ahead * ahead, per_level = 1.0f / level;
    // yaw = atan2(a, ahead)
    const float c = ahead * per_level, d = a * per_level;
#if PROJECTION == STRAIGHT
    // The same ray turned by the view's yaw: sideways and depth, seen along the normal.
    const float sideways = a * map.turn_cosine + ahead * map.turn_sine;
    const float depth = ahead * map.turn_cosine - a * map.turn_sine;
    const Bend yaw = {0, c, -sine * d, -c * d, sine * (d * d - c * c), sine * sine * c * d};
    across = scaled(spread_out(yaw, sideways / (sqrtf(level) + depth)), map.origin_x, map.scale_x, step);
    const Bend line = quotient(rise, -cosine, depth, -map.turn_sine, sine * map.turn_cosine);
    down = scaled(line, map.origin_y, map.scale_y, step);
#else
    const float one_x = map.scale_x * step, two_x = one_x * step;
    across.at = map.origin_x + map.scale_x * atan2f(a, ahead);
    across.x = one_x * c;
    across.y = -one_x * sine * d;
    across.xx = -two_x * c * d;
    across.xy = two_x * sine * (d * d - c * c);
    across.yy = two_x * sine * sine * c * d;
    // pitch = atan2(rise, sqrt(level)), or its tangent; their derivatives differ by one factor.
    const float per_length = rsqrtf(level), slope = rise * per_length;
#if PROJECTION == CYLINDRICAL
    const float tangent = slope, factor = per_level, lean = ahead * sine;
#else
    const float tangent = atanf(slope), factor = 1.0f / (level + rise * rise), lean = b;
#endif
    const float weight = per_length * factor, fall = cosine * a * a + ahead;
    const float upwards = c * sine + 2.0f * lean * factor;
    const float one_y = map.scale_y * step * weight, two_y = one_y * step;
    down.at = map.origin_y + map.scale_y * tangent;
    down.x = -one_y * rise * a;
    down.y = -one_y * fall;
    down.xx = 0.5f * two_y * rise * (a * a * (per_level + 2.0f * factor) - 1.0f);
    down.xy = two_y * a * (cosine + rise * upwards);
    down.yy = 0.5f * two_y * (fall * upwards - sine);
#endif
#endif
}

__device__ inline bool shown(const Output &out, int x, int y)
{
    return PROJECTION != AFFINE || (x >= out.left && x < out.right && y >= out.top && y < out.bottom);
}

// The weights of the hardware's filter have eight bits, their products too: where both are fractions that can be wrong by
// more than a level. Between two fetches on whole rows it is not. Coordinates as textures count.
__device__ inline float exact_luma(const Source &source, float x, float y)
{
    const float row = floorf(y - 0.5f), low = y - 0.5f - row;
    const float upper = tex2D<float>(source.luma_texture, x, row + 0.5f);
    return upper + low * (tex2D<float>(source.luma_texture, x, row + 1.5f) - upper);
}

__device__ inline float2 exact_chroma(const Source &source, float x, float y)
{
    const float row = floorf(y - 0.5f), low = y - 0.5f - row;
    const float2 upper = tex2D<float2>(source.chroma_texture, x, row + 0.5f);
    const float2 lower = tex2D<float2>(source.chroma_texture, x, row + 1.5f);
    return make_float2(upper.x + low * (lower.x - upper.x), upper.y + low * (lower.y - upper.y));
}

// A level 0 .. 1 as a byte, the lowest of the result: adding 2^23 rounds to a whole number.
__device__ inline unsigned byte_of(float level)
{
    return __float_as_uint(level * 255.0f + 8388608.0f);
}
