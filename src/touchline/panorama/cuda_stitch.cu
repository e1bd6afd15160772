// Two NV12 pictures into one NV12 panorama, luma and chroma in one pass.
//
// Where a block of 16x16 luma samples comes from is one polynomial an axis in the offsets i, r from its corner,
// a + bx i + by r + bxy i r + hxx i^2 + hyy r^2: 48 bytes for 384 samples, where a table for each sample would be
// more to read than the pictures.
//
// A thread makes 4x2 luma samples and the two chroma samples in them. Where one picture is shown and nothing reaches
// its edge, which is nearly everywhere, the four neighbours of a luma sample come through the texture units in one
// fetch, and those of a chroma sample by plain loads, so that neither way has to bring them all. The filter of the
// texture units is not used: its weights have eight bits, too few for noise. Levels are worked on two at a time in half
// precision, whose eleven bits are three more than the picture has. What is left, the overlap and the pictures'
// edges, is made cell by cell in single precision.

typedef unsigned char byte;
typedef unsigned short word;
typedef unsigned half2;  // two numbers of half precision, the first in the low half

#define BLOCK 16
#define WIDTH 4       // luma samples of a thread's row
#define THREADS_X 8   // threads of a block
#define THREADS_Y 16
#define BLOCKS 9      // that shall fit a multiprocessor at once: what registers a thread may have

#define LEFT -1   // kinds of blocks: one picture, read without clamping
#define RIGHT -2

struct Tables {
    const int *kinds;      // LEFT, RIGHT, or the block's number in `second`
    const float4 *first;   // polynomials: six terms for x, six for y, of the right picture where RIGHT, else of the left
    const float4 *second;  // the right picture's polynomials and its share w0 + w1 i + w2 r + w3 i r
};

struct Source {
    const byte *y, *uv;  // less what the bits of a Spot are too large by
    cudaTextureObject_t luma;
    int y_pitch, uv_pitch;
    float right, bottom;                 // the last positions of chroma that have a neighbour behind them
    float gain, black, tint_u, tint_v;   // luma is gain * luma + black, of levels 0 .. 1; tints: by brightness
    half2 gain_loaded, gain_gathered;    // the same gain for levels in 1/512 and in 1/255
    half2 black_twice, tint, grey;       // colour differences are gain * colour + tint * sum of four luma + grey
};

struct Target {
    byte *y, *uv;
    int y_pitch, uv_pitch;
    int width, height;
    int columns;      // of blocks
    int whole_words;  // rows begin at multiples of four bytes
};

#ifndef ON_HOST  // a test gives these in C++
#define TWO_OPERANDS(name, instruction)                                                    \
    static __device__ __forceinline__ half2 name(half2 a, half2 b)                         \
    {                                                                                      \
        half2 made;                                                                        \
        asm(instruction " %0, %1, %2;" : "=r"(made) : "r"(a), "r"(b));                     \
        return made;                                                                       \
    }
#define THREE_OPERANDS(name, instruction)                                                  \
    static __device__ __forceinline__ half2 name(half2 a, half2 b, half2 c)                \
    {                                                                                      \
        half2 made;                                                                        \
        asm(instruction " %0, %1, %2, %3;" : "=r"(made) : "r"(a), "r"(b), "r"(c));         \
        return made;                                                                       \
    }
TWO_OPERANDS(plus, "add.rn.f16x2")
TWO_OPERANDS(minus, "sub.rn.f16x2")
TWO_OPERANDS(times, "mul.rn.f16x2")
THREE_OPERANDS(fused, "fma.rn.f16x2")              // a * b + c
THREE_OPERANDS(fused_saturated, "fma.rn.sat.f16x2")  // the same, 0 .. 1

static __device__ __forceinline__ half2 halves(float first, float second)
{
    half2 made;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(made) : "f"(second), "f"(first));
#else
    asm("{ .reg .b16 low, high; cvt.rn.f16.f32 low, %1; cvt.rn.f16.f32 high, %2; mov.b32 %0, {low, high}; }"
        : "=r"(made)
        : "f"(first), "f"(second));
#endif
    return made;
}
#endif

#define TWICE(half) ((half) * 0x10001u)
#define TWO_TO_15 TWICE(0x7800u)
#define N255 TWICE(0x5bf8u)
#define N1024 TWICE(0x6400u)  // 1024 + n has n in its low byte

// ---- Positions

// One axis of a block's polynomial, about another origin.
struct Axis {
    float at, across, down, both, across2, down2;
};

struct Mapping {
    Axis x, y;
};

static __device__ __forceinline__ Axis about(float a, float bx, float by, float bxy, float hxx, float hyy, float i, float r)
{
    Axis axis;
    axis.at = a + i * (bx + hxx * i + bxy * r) + r * (by + hyy * r);
    axis.across = bx + bxy * r + 2 * hxx * i;
    axis.down = by + bxy * i + 2 * hyy * r;
    axis.both = bxy;
    axis.across2 = hxx;
    axis.down2 = hyy;
    return axis;
}

static __device__ __forceinline__ Mapping mapping(float4 p, float4 q, float4 s, float i, float r)
{
    Mapping made;
    made.x = about(p.x, p.y, p.z, p.w, q.x, q.y, i, r);
    made.y = about(q.z, q.w, s.x, s.y, s.z, s.w, i, r);
    return made;
}

// i, r: constants. Nothing times 0 is left out by a compiler, for it could be no number.
static __device__ __forceinline__ float position(const Axis &axis, float i, float r)
{
    const float start = r == 0 ? axis.at : axis.at + r * (axis.down + r * axis.down2);
    if (i == 0) return start;
    const float slope = r == 0 ? axis.across : axis.across + r * axis.both;
    return start + i * (slope + i * axis.across2);
}

// A position between two samples.
struct Spot {
    float next;     // the sample behind it
    float back;     // from there to the position, -1 .. 0
    unsigned bits;  // those of MAGIC and the sample before it
};

#define MAGIC 12582912.0f  // 1.5 * 2^23: a number near it has no fraction, and its low bits are an integer

static __device__ __forceinline__ Spot spot(float position)
{
    const float floored = __fadd_rd(position, MAGIC);
    Spot made;
    made.next = __fadd_rn(floored, 1 - MAGIC);
    made.back = __fadd_rn(position, -made.next);
    made.bits = __float_as_uint(floored);
    return made;
}

static __device__ __forceinline__ const byte *sample(const byte *plane, const Spot &row, unsigned pitch, const Spot &column, unsigned size)
{
    return plane + ((unsigned long long)row.bits * pitch + (unsigned long long)column.bits * size);
}

// ---- One sample at a time, clamped, in single precision

static __device__ __forceinline__ float blend(float a, float b, float c, float d, float across, float down)
{
    b += across * (b - a);
    d += across * (d - c);
    return d + down * (d - b);
}

static __device__ __forceinline__ float clamped(float position, float last) { return fminf(fmaxf(position, 0.0f), last); }

static __device__ __forceinline__ float gathered(const Source &source, float x, float y)
{
    const Spot column = spot(x), row = spot(y);
    // In the corner of the four samples, in texels, whose middles are at halves; beyond the edge, the edge's.
    const float4 four = tex2Dgather<float4>(source.luma, column.next, row.next);
    return blend(four.w, four.z, four.x, four.y, column.back, row.back);
}

static __device__ __forceinline__ float luma(const Source &source, float x, float y)
{
    return __saturatef(gathered(source, x, y) * source.gain + source.black);
}

static __device__ __forceinline__ float2 chroma(const Source &source, float x, float y)
{
    const Spot column = spot(clamped(0.5f * x - 0.25f, source.right));
    const Spot row = spot(clamped(0.5f * y - 0.25f, source.bottom));
    const byte *upper = sample(source.uv, row, source.uv_pitch, column, 2), *lower = upper + source.uv_pitch;
    const float u = blend(upper[0], upper[2], lower[0], lower[2], column.back, row.back);
    const float v = blend(upper[1], upper[3], lower[1], lower[3], column.back, row.back);
    return make_float2(u / 255, v / 255);
}

// 2x2 luma samples and the chroma sample in their middle.
struct Cell {
    float luma[4];
    float2 chroma;
};

static __device__ __forceinline__ Cell cell(const Source &source, const float4 *terms, float i, float r)
{
    const Mapping map = mapping(terms[0], terms[1], terms[2], i, r);
    Cell made;
#pragma unroll
    for (int k = 0; k < 4; ++k) made.luma[k] = luma(source, position(map.x, k % 2, k / 2), position(map.y, k % 2, k / 2));
    made.chroma = chroma(source, position(map.x, 0.5f, 0.5f), position(map.y, 0.5f, 0.5f));
    return made;
}

static __device__ __forceinline__ float mixed(float one, float two, float share) { return one + share * (two - one); }

static __device__ __forceinline__ float toned(float colour, float gain, float brightness, float tint)
{
    const float grey = 128.0f / 255;
    return __saturatef((colour - grey) * gain + (brightness * tint + grey));
}

// Two levels 0 .. 1 as bytes, rounded: adding 2^23 leaves no room for a fraction.
static __device__ __forceinline__ word rounded(float one, float two)
{
    return __byte_perm(__float_as_uint(one * 255 + 8388608.0f), __float_as_uint(two * 255 + 8388608.0f), 0x0040);
}

// The cell at luma sample x, y, of both pictures.
static __device__ __forceinline__ void make_cell(const Source &left, const Source &right, const float4 *first, const float4 *second,
                                        const Target &out, int x, int y)
{
    const float i = (unsigned)x % BLOCK, r = (unsigned)y % BLOCK;
    const Cell one = cell(left, first, i, r), two = cell(right, second, i, r);
    const float4 w = second[3];
    float made[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        const float ik = i + k % 2, rk = r + k / 2;
        made[k] = mixed(one.luma[k], two.luma[k], __saturatef(w.x + w.z * rk + ik * (w.y + w.w * rk)));
    }
    byte *luma = out.y + (size_t)y * out.y_pitch + x;
    *(word *)luma = rounded(made[0], made[1]);
    *(word *)(luma + out.y_pitch) = rounded(made[2], made[3]);
    const float brightness = (made[0] + made[1] + made[2] + made[3]) / 4 - 16.0f / 255;
    const float share = __saturatef(w.x + w.z * r + i * (w.y + w.w * r));
    const float u = mixed(toned(one.chroma.x, left.gain, brightness, left.tint_u),
                          toned(two.chroma.x, right.gain, brightness, right.tint_u), share);
    const float v = mixed(toned(one.chroma.y, left.gain, brightness, left.tint_v),
                          toned(two.chroma.y, right.gain, brightness, right.tint_v), share);
    *(word *)(out.uv + (size_t)(y / 2) * out.uv_pitch + x) = rounded(u, v);
}

// ---- One picture, nothing clamped, two numbers at a time

// Between bytes, which are subnormal numbers n / 2^24; the result is n / 512.
static __device__ __forceinline__ half2 between(half2 before, half2 after, half2 back)
{
    return fused(back, minus(after, before), times(after, TWO_TO_15));
}

static __device__ __forceinline__ half2 colour(const Source &source, float x, float y)
{
    const Spot column = spot(0.5f * x - 0.25f), row = spot(0.5f * y - 0.25f);
    const byte *upper = sample(source.uv, row, source.uv_pitch, column, 2), *lower = upper + source.uv_pitch;
    half2 four[4];
    const byte *places[4] = {upper, upper + 2, lower, lower + 2};
#pragma unroll
    for (int k = 0; k < 4; ++k) four[k] = __byte_perm(*(const word *)places[k], 0, 0x4140);
    const half2 across = times(halves(column.back, column.back), TWO_TO_15);
    const half2 above = between(four[0], four[1], across), below = between(four[2], four[3], across);
    return fused(halves(row.back, row.back), minus(below, above), below);
}

// Writes WIDTH bytes, or those of them that are left in the row: the low bytes of WIDTH numbers.
static __device__ __forceinline__ void store(byte *place, half2 first, half2 second, bool whole, bool half)
{
    if (whole) {
        *(unsigned *)place = __byte_perm(first, second, 0x6420);
        return;
    }
    *(word *)place = __byte_perm(first, 0, 0x4420);
    if (!half) *(word *)(place + 2) = __byte_perm(second, 0, 0x4420);
}

static __device__ __forceinline__ void make_patch(const Source &source, const Mapping &map, const Target &out, int x, int y)
{
    const bool half = out.width - x < WIDTH, whole = !half && out.whole_words;
    half2 level[2][WIDTH / 2], made[WIDTH / 2];
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int k = 0; k < WIDTH / 2; ++k) {
            const float one = gathered(source, position(map.x, 2 * k, r), position(map.y, 2 * k, r));
            const float two = gathered(source, position(map.x, 2 * k + 1, r), position(map.y, 2 * k + 1, r));
            level[r][k] = fused_saturated(halves(one, two), source.gain_gathered, source.black_twice);
        }
    half2 seen[WIDTH / 2];
#pragma unroll
    for (int k = 0; k < WIDTH / 2; ++k)
        seen[k] = colour(source, position(map.x, 2 * k + 0.5f, 0.5f), position(map.y, 2 * k + 0.5f, 0.5f));
    byte *place = out.y + (unsigned)(y * out.y_pitch + x);
    store(place, fused(level[0][0], N255, N1024), fused(level[0][1], N255, N1024), whole, half);
    store(place + out.y_pitch, fused(level[1][0], N255, N1024), fused(level[1][1], N255, N1024), whole, half);
#pragma unroll
    for (int k = 0; k < WIDTH / 2; ++k) {
        half2 sum = plus(level[0][k], level[1][k]);
        sum = plus(sum, __byte_perm(sum, 0, 0x1032));
        const half2 colours = fused_saturated(seen[k], source.gain_loaded, fused(sum, source.tint, source.grey));
        made[k] = fused(colours, N255, N1024);
    }
    store(out.uv + (unsigned)(y / 2 * out.uv_pitch + x), made[0], made[1], whole, half);
}

extern "C" __global__ void __launch_bounds__(THREADS_X * THREADS_Y, BLOCKS)
    stitch(const __grid_constant__ Tables tables, const __grid_constant__ Source left,
           const __grid_constant__ Source right, const __grid_constant__ Target out)
{
    const int x = (blockIdx.x * THREADS_X + threadIdx.x) * WIDTH, y = (blockIdx.y * THREADS_Y + threadIdx.y) * 2;
    if (x >= out.width || y >= out.height) return;
    const unsigned block = (unsigned)y / BLOCK * out.columns + (unsigned)x / BLOCK;
    const int kind = tables.kinds[block];
    const float4 *terms = tables.first + 3 * block;
    const Mapping map = mapping(terms[0], terms[1], terms[2], (unsigned)x % BLOCK, (unsigned)y % BLOCK);
    if (kind == LEFT)
        make_patch(left, map, out, x, y);
    else if (kind == RIGHT)
        make_patch(right, map, out, x, y);
    else
#pragma unroll 1
        for (int k = 0; k < min(WIDTH, out.width - x); k += 2)
            make_cell(left, right, terms, tables.second + 4 * kind, out, x + k, y);
}
