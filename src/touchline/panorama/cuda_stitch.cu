// Two NV12 pictures into one NV12 panorama, luma and chroma in one pass.
//
// Where a block of 16x16 luma samples comes from is one polynomial an axis in the offsets i, r from its corner,
// a + bx i + by r + bxy i r + hxx i^2 + hyy r^2: 48 bytes for 384 samples, where a table for each sample would be
// more to read than the pictures.
//
// A warp makes 32 columns of 8 rows, a thread one column, so that what a warp reads at once lies together. Where one
// picture is shown and nothing reaches its edge, which is nearly everywhere, the samples of two rows are worked on at
// once in half precision, whose eleven bits are three more than the picture has. The four neighbours of a sample come
// through the texture units or by plain loads, in turn, because neither can bring them all as fast as memory can. The
// filter of the texture units is not used: its weights have eight bits, too few for noise. What is left, the
// overlap and the pictures' edges, is made sample by sample in single precision.

typedef unsigned char byte;
typedef unsigned short word;
typedef unsigned half2;  // two numbers of half precision, the first in the low half

#define BLOCK 16
#define ROWS 8      // luma rows that a thread makes
#define GATHERED 10 // bits: the pairs of rows whose samples come through the texture units
#define WARPS 4     // of a thread block

#define ALL 0xffffffffu
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
    float right, bottom;                 // the last positions of luma and of chroma that have a neighbour behind them
    float chroma_right, chroma_bottom;
    float gain, black, tint_u, tint_v;   // luma is gain * luma + black, of levels 0 .. 1; tints: by brightness
    half2 gain_loaded, gain_gathered;    // the same for levels in 1/512 and in 1/255
    half2 black_twice, tint, grey;       // colour differences are gain * colour + tint * sum of four luma + grey
};

struct Target {
    byte *y, *uv;
    int y_pitch, uv_pitch;
    int width, height;
    int columns;  // of blocks
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
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(made) : "f"(second), "f"(first));
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

static __device__ __forceinline__ float down(const Axis &axis, float r)
{
    // Nothing times 0 is left out by a compiler, for it could be no number.
    return r == 0 ? axis.at : axis.at + r * (axis.down + r * axis.down2);
}

static __device__ __forceinline__ float position(const Axis &axis, float i, float r)
{
    return down(axis, r) + i * (axis.across + r * axis.both + i * axis.across2);
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

static __device__ __forceinline__ float luma(const Source &source, float x, float y)
{
    const Spot column = spot(clamped(x, source.right)), row = spot(clamped(y, source.bottom));
    const byte *upper = sample(source.y, row, source.y_pitch, column, 1), *lower = upper + source.y_pitch;
    const float level = blend(upper[0], upper[1], lower[0], lower[1], column.back, row.back);
    return __saturatef(level * (1.0f / 255) * source.gain + source.black);
}

static __device__ __forceinline__ float2 chroma(const Source &source, float x, float y)
{
    const Spot column = spot(clamped(0.5f * x - 0.25f, source.chroma_right));
    const Spot row = spot(clamped(0.5f * y - 0.25f, source.chroma_bottom));
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

// The cell at luma sample x, y, of one picture or of both.
static __device__ __noinline__ void make_cell(const Tables &tables, const Source &left, const Source &right, const Target &out, int x, int y)
{
    if (x >= out.width || y >= out.height) return;
    const int block = y / BLOCK * out.columns + x / BLOCK, kind = tables.kinds[block];
    const float i = x % BLOCK, r = y % BLOCK;
    const Source &source = kind == RIGHT ? right : left, &other = kind == LEFT ? left : right;
    const Cell one = cell(source, tables.first + 3 * block, i, r);
    Cell two = one;
    float4 w = make_float4(0, 0, 0, 0);
    if (kind >= 0) {
        two = cell(other, tables.second + 4 * kind, i, r);
        w = tables.second[4 * kind + 3];
    }
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
    const float u = mixed(toned(one.chroma.x, source.gain, brightness, source.tint_u),
                          toned(two.chroma.x, other.gain, brightness, other.tint_u), share);
    const float v = mixed(toned(one.chroma.y, source.gain, brightness, source.tint_v),
                          toned(two.chroma.y, other.gain, brightness, other.tint_v), share);
    *(word *)(out.uv + (size_t)(y / 2) * out.uv_pitch + x) = rounded(u, v);
}

// ---- One picture, nothing clamped, two numbers at a time

// Between bytes, which are subnormal numbers n / 2^24; the result is n / 512.
static __device__ __forceinline__ half2 between(half2 before, half2 after, half2 back)
{
    return fused(back, minus(after, before), times(after, TWO_TO_15));
}

static __device__ __forceinline__ half2 loaded(const Source &source, const Mapping &map, int r)
{
    const Spot x0 = spot(down(map.x, r)), y0 = spot(down(map.y, r));
    const Spot x1 = spot(down(map.x, r + 1)), y1 = spot(down(map.y, r + 1));
    const byte *a = sample(source.y, y0, source.y_pitch, x0, 1), *b = a + source.y_pitch;
    const byte *c = sample(source.y, y1, source.y_pitch, x1, 1), *d = c + source.y_pitch;
    const unsigned a0 = a[0], a1 = a[1], b0 = b[0], b1 = b[1], c0 = c[0], c1 = c[1], d0 = d[0], d1 = d[1];
    const half2 across = times(halves(x0.back, x1.back), TWO_TO_15);
    const half2 upper = between(__byte_perm(a0, c0, 0x5410), __byte_perm(a1, c1, 0x5410), across);
    const half2 lower = between(__byte_perm(b0, d0, 0x5410), __byte_perm(b1, d1, 0x5410), across);
    const half2 level = fused(halves(y0.back, y1.back), minus(lower, upper), lower);
    return fused_saturated(level, source.gain_loaded, source.black_twice);
}

static __device__ __forceinline__ half2 gathered(const Source &source, const Mapping &map, int r)
{
    float level[2];
#pragma unroll
    for (int k = 0; k < 2; ++k) {
        const Spot x = spot(down(map.x, r + k)), y = spot(down(map.y, r + k));
        // In the corner of the four samples, in texels, whose middles are at halves.
        const float4 four = tex2Dgather<float4>(source.luma, x.next, y.next);
        level[k] = blend(four.w, four.z, four.x, four.y, x.back, y.back);
    }
    return fused_saturated(halves(level[0], level[1]), source.gain_gathered, source.black_twice);
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

// A column of ROWS luma samples from x, y, and the chroma samples of every second pair of its rows.
static __device__ __forceinline__ void make_column(const Source &source, const Mapping &map, const Target &out, int x, int y, bool shown)
{
    half2 level[ROWS / 2];
#pragma unroll
    for (int pair = 0; pair < ROWS / 2; ++pair) {
        level[pair] = GATHERED >> pair & 1 ? gathered(source, map, 2 * pair) : loaded(source, map, 2 * pair);
        const unsigned bytes = fused(level[pair], N255, N1024);
        byte *place = out.y + (unsigned)((y + 2 * pair) * out.y_pitch + x);
        if (shown && y + 2 * pair < out.height) {
            place[0] = bytes;
            place[out.y_pitch] = bytes >> 16;
        }
    }
    // Two neighbours share two chroma samples: one makes the upper, the other the lower.
    const int odd = x & 1;
#pragma unroll
    for (int pair = 0; pair < ROWS / 2; pair += 2) {
        const half2 mine = odd ? level[pair + 1] : level[pair], theirs = odd ? level[pair] : level[pair + 1];
        half2 sum = plus(mine, __shfl_xor_sync(ALL, theirs, 1));
        sum = plus(sum, __byte_perm(sum, 0, 0x1032));
        const float i = 0.5f - odd, r = 2 * (pair + odd) + 0.5f;
        const half2 seen = colour(source, position(map.x, i, r), position(map.y, i, r));
        const half2 made = fused_saturated(seen, source.gain_loaded, fused(sum, source.tint, source.grey));
        const int row = y / 2 + pair + odd;
        if (shown && 2 * row < out.height)
            *(word *)(out.uv + (unsigned)(row * out.uv_pitch + x - odd)) = __byte_perm(fused(made, N255, N1024), 0, 0x4420);
    }
}

extern "C" __global__ void __launch_bounds__(32 * WARPS, 10)
    stitch(const __grid_constant__ Tables tables, const __grid_constant__ Source left,
           const __grid_constant__ Source right, const __grid_constant__ Target out)
{
    const int lane = threadIdx.x, first = blockIdx.x * 32, y = (blockIdx.y * WARPS + threadIdx.y) * ROWS;
    if (y >= out.height) return;
    const bool shown = first + lane < out.width;
    const int x = shown ? first + lane : out.width - 2 + lane % 2;  // all lanes work, for their neighbours ask them
    const int block = y / BLOCK * out.columns + x / BLOCK;
    const int kind = tables.kinds[block];
    const float4 *terms = tables.first + 3 * block;
    const Mapping map = mapping(terms[0], terms[1], terms[2], x % BLOCK, y % BLOCK);
    if (__all_sync(ALL, kind == LEFT))
        make_column(left, map, out, x, y, shown);
    else if (__all_sync(ALL, kind == RIGHT))
        make_column(right, map, out, x, y, shown);
    else
        for (int cell = lane; cell < 16 * ROWS / 2; cell += 32)
            make_cell(tables, left, right, out, first + cell % 16 * 2, y + cell / 16 * 2);
}
