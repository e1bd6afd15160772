// Two NV12 pictures into one NV12 panorama, luma and chroma in one pass.
//
// Where a block of 16x16 luma samples comes from is one polynomial an axis in the offsets i, r from its corner,
// a + bx i + by r + bxy i r + hxx i^2 + hyy r^2: 48 bytes for 384 samples, where a table for each sample would be
// more to read than the pictures.
//
// Nearly everywhere a tile of 64x32 samples shows one picture, away from its edge. What it reads of that picture is
// brought into shared memory, 16 bytes at a time, and read from there byte by byte: the texture units fetch from rows
// that lie one after the other at half their speed. A thread makes 2x8 luma samples and the four chroma samples in them.
// Positions are integers, in 1/65536 of a sample, so that the next one is an addition, and its parts a shift and a mask;
// weights have ten bits. Levels are worked on two at a time in half precision, whose eleven bits are three more than the
// picture has. What is left, the overlap and the pictures' edges, is made cell by cell in single precision, and first,
// since that takes longer.

typedef unsigned char byte;
typedef unsigned short word;
typedef unsigned half2;  // two numbers of half precision, the first in the low half

#define BLOCK 16
#define THREADS_X 32  // threads of a block
#define THREADS_Y 4
#define ACROSS 2  // luma samples that a thread makes
#define DOWN 8
#define RESIDENT 11  // blocks that shall fit a multiprocessor at once: what registers a thread may have

// What a tile may read of a picture: rows of so many pieces of 16 bytes, and so many of them.
#define PIECES 8
#define LUMA_ROWS 64
#define CHROMA_ROWS 34
#define STRIDE 128  // bytes from row to row: a column lies in one bank, and a warp reads fewer than there are
#define CHROMA (LUMA_ROWS * STRIDE)  // where it begins

#define LEFT -1   // kinds of blocks and tiles: one picture, read without clamping
#define RIGHT -2
#define MIXED 0  // of a tile: block by block

// What a block of threads makes. Words of two numbers each, the first in the low half, as they lie in memory.
struct Tile {
    unsigned kind_x, y;  // LEFT, RIGHT, or MIXED, which is a quarter as wide; its corner
    // What it reads, if it is not MIXED: first piece and first row, how many pieces and rows.
    unsigned luma_at, luma_size, chroma_at, chroma_size;
    unsigned end;  // the first column that is not its own
    unsigned unused;
};

struct Tables {
    const uint4 *tiles;    // each a Tile, in two
    const int *kinds;      // of blocks: LEFT, RIGHT, or the block's number in `second`
    const int4 *first;     // polynomials: six terms for x, six for y, of the right picture where RIGHT, else of the left
    const float4 *second;  // the right picture's polynomials and its share w0 + w1 i + w2 r + w3 i r
};

struct Source {
    const byte *y, *uv;
    cudaTextureObject_t luma;
    int y_pitch, uv_pitch;
    float right, bottom;                // the last positions of chroma that have a neighbour behind them
    float gain, black, tint_u, tint_v;  // luma is gain * luma + black, of levels 0 .. 1; tints: by brightness
    half2 gain_twice, black_twice;      // the same gain for levels in 1/16384
    half2 tint_u_twice, tint_v_twice;   // colour differences are gain * colour + tint * sum of four luma + grey
    half2 grey_u_twice, grey_v_twice;
};

struct Target {
    byte *y, *uv;
    int y_pitch, uv_pitch;
    int width, height;
    int columns;        // of blocks
    unsigned fraction;  // TWICE(0x3ff): here, because an instruction can have only one constant in it
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


// Addresses in shared memory: 32 bits, where a pointer has 64.
static __device__ __forceinline__ unsigned shared_address(const void *place)
{
    unsigned made;
    asm volatile("{ .reg .u64 place; cvta.to.shared.u64 place, %1; cvt.u32.u64 %0, place; }" : "=r"(made) : "l"(place));
    return made;
}
static __device__ __forceinline__ const byte *shared_at(unsigned address)
{
    return (const byte *)__cvta_shared_to_generic(address);
}

// Copies that go on by themselves until they are waited for.
#if __CUDA_ARCH__ >= 800
static __device__ __forceinline__ void copy_16(unsigned to, const byte *from)
{
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
}
static __device__ __forceinline__ void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }
#else
static __device__ __forceinline__ void copy_16(unsigned to, const byte *from)
{
    const uint4 v = *(const uint4 *)from;
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w) : "memory");
}
static __device__ __forceinline__ void wait_for_copies() {}
#endif

// From here on a value is what it is: a compiler would rather work it out again from its parts wherever it is used.
static __device__ __forceinline__ void settle(int &value) { asm volatile("" : "+r"(value)); }
static __device__ __forceinline__ void settle(const byte *&value) { asm volatile("" : "+l"(value)); }
#endif

#define TWICE(half) ((half) * 0x10001u)
#define ONE TWICE(0x3c00u)     // 1 + n / 1024 has n in its low bits
#define N255 TWICE(0x5bf8u)
#define N1024 TWICE(0x6400u)   // and so has 1024 + n
#define MINUS TWICE(0x8000u)   // with it, less than nothing
#define LOW(word) ((word) & 0xffffu)
#define HIGH(word) ((word) >> 16)

// ---- One picture, nothing clamped: positions are integers in 1/65536, levels two at a time

// One axis of a block's polynomial, from a thread's first sample on: two columns.
struct Axis {
    int one, two, step, other;  // positions and how far it is to the next row
    int down2;
};

// In four rows n^2 is taken as 3 n - 1, for n = 0, 1, 2, 3: at most a `hyy` off: 0.0002 of a sample where two
// cameras of 3840x2160 make 5700x1900, below 0.001 where two of 1280x720 make 2096x568 or so.
static __device__ __forceinline__ Axis about(int a, int bx, int by, int bxy, int hxx, int hyy, int i, int r)
{
    Axis axis;
    axis.one = a + i * (bx + hxx * i + bxy * r) + r * (by + hyy * r) - hyy;
    axis.two = axis.one + (bx + hxx + bxy * r + 2 * hxx * i);
    axis.step = by + bxy * i + hyy * (2 * r + 3);
    axis.other = axis.step + bxy;
    axis.down2 = hyy;
    settle(axis.one), settle(axis.two), settle(axis.step), settle(axis.other);
    return axis;
}

// The positions of four rows; the axis goes on to the next four.
static __device__ __forceinline__ void four_rows(Axis &axis, unsigned (*positions)[ACROSS])
{
#pragma unroll
    for (int r = 0; r < 4; ++r) positions[r][0] = axis.one + r * axis.step, positions[r][1] = axis.two + r * axis.other;
    axis.one += 4 * (axis.step + axis.down2);
    axis.two += 4 * (axis.other + axis.down2);
    axis.step += 8 * axis.down2;
    axis.other += 8 * axis.down2;
}

// Of two samples, their neighbours: bytes, which are subnormal numbers n / 2^24.
struct Corners {
    half2 a, b, c, d;
};

// Between them; across: of 1024, down: of 1. The result is n / 2^14.
static __device__ __forceinline__ half2 between(const Corners &at, half2 across, half2 down)
{
    const half2 above = fused(across, minus(at.b, at.a), times(at.a, N1024));
    const half2 below = fused(across, minus(at.d, at.c), times(at.c, N1024));
    return fused(down, minus(below, above), above);
}

// Two weights of ten bits each, from bits 6 to 15 of two halves of a word.
static __device__ __forceinline__ half2 weights(unsigned both, unsigned fraction, half2 one)
{
    return plus((both >> 6 & fraction) | one, one ^ MINUS);
}

// Where a position's sample lies.
static __device__ __forceinline__ unsigned place(unsigned x, unsigned y, unsigned size, unsigned first)
{
    return __dp2a_lo(__byte_perm(x, y, 0x7632), size | STRIDE << 8, first);
}

static __device__ __forceinline__ half2 luma_of(unsigned read, unsigned fraction, const unsigned *x, const unsigned *y)
{
    const byte *one = shared_at(place(x[0], y[0], 1, read)), *two = shared_at(place(x[1], y[1], 1, read));
    const Corners at = {
        __byte_perm(one[0], two[0], 0x5410),
        __byte_perm(one[1], two[1], 0x5410),
        __byte_perm(one[STRIDE], two[STRIDE], 0x5410),
        __byte_perm(one[STRIDE + 1], two[STRIDE + 1], 0x5410),
    };
    return between(at, weights(__byte_perm(x[0], x[1], 0x5410), fraction, N1024),
                   weights(__byte_perm(y[0], y[1], 0x5410), fraction, ONE));
}

// Two chroma samples: two of U in `u`, two of V in `v`.
static __device__ __forceinline__ void chroma_of(unsigned read, unsigned fraction, const unsigned *x, const unsigned *y,
                                                 half2 &u, half2 &v)
{
    unsigned seen[4][2];
#pragma unroll
    for (int k = 0; k < 2; ++k) {
        const word *upper = (const word *)shared_at(place(x[k], y[k], 2, read));
        seen[0][k] = upper[0], seen[1][k] = upper[1];
        seen[2][k] = upper[STRIDE / 2], seen[3][k] = upper[STRIDE / 2 + 1];
    }
    const half2 across = weights(__byte_perm(x[0], x[1], 0x5410), fraction, N1024);
    const half2 down = weights(__byte_perm(y[0], y[1], 0x5410), fraction, ONE);
#define OF(k, selector) __byte_perm(seen[k][0], seen[k][1], selector)
    const Corners us = {OF(0, 0x6420), OF(1, 0x6420), OF(2, 0x6420), OF(3, 0x6420)};
    const Corners vs = {OF(0, 0x6521), OF(1, 0x6521), OF(2, 0x6521), OF(3, 0x6521)};
#undef OF
    u = between(us, across, down);
    v = between(vs, across, down);
}

// What a thread reads and writes.
struct Work {
    Axis across, down;
    unsigned luma_read, chroma_read;
    int right, below;  // from the sum of two luma positions to four times one of chroma
    byte *luma, *chroma;
};

// Four rows of two luma samples, and the two chroma samples in them; or only the first half, if there are no more rows.
static __device__ __forceinline__ void make_rows(const Source &source, Work &work, const Target &out, bool half)
{
    unsigned xs[4][ACROSS], ys[4][ACROSS];
    four_rows(work.across, xs);
    four_rows(work.down, ys);
    half2 level[4];
    word made[4];
#pragma unroll
    for (int r = 0; r < 4; ++r) {
        level[r] = fused_saturated(luma_of(work.luma_read, out.fraction, xs[r], ys[r]), source.gain_twice, source.black_twice);
        made[r] = __byte_perm(fused(level[r], N255, N1024), 0, 0x4420);
    }
    unsigned x[2], y[2];
#pragma unroll
    for (int k = 0; k < 2; ++k) {  // half way between the first and the last of four
        x[k] = xs[2 * k][0] + xs[2 * k + 1][1] + work.right >> 2;
        y[k] = ys[2 * k][0] + ys[2 * k + 1][1] + work.below >> 2;
    }
    half2 u, v;
    chroma_of(work.chroma_read, out.fraction, x, y, u, v);
    const half2 one = plus(level[0], level[1]), two = plus(level[2], level[3]);
    const half2 sum = plus(__byte_perm(one, two, 0x5410), __byte_perm(one, two, 0x7632));
    u = fused(fused_saturated(u, source.gain_twice, fused(sum, source.tint_u_twice, source.grey_u_twice)), N255, N1024);
    v = fused(fused_saturated(v, source.gain_twice, fused(sum, source.tint_v_twice, source.grey_v_twice)), N255, N1024);
    *(word *)work.luma = made[0];
    *(word *)(work.luma += out.y_pitch) = made[1];
    *(word *)work.chroma = __byte_perm(u, v, 0x0040);
    if (half) return;
    *(word *)(work.luma += out.y_pitch) = made[2];
    *(word *)(work.luma += out.y_pitch) = made[3];
    *(word *)(work.chroma += out.uv_pitch) = __byte_perm(u, v, 0x0062);
    work.luma += out.y_pitch;
    work.chroma += out.uv_pitch;
}

// Begins to bring what a tile reads of a plane.
template <int ROWS>
static __device__ __forceinline__ void fetch(unsigned room, const byte *plane, int pitch, unsigned at, unsigned size)
{
    const unsigned thread = threadIdx.y * THREADS_X + threadIdx.x, row = thread / PIECES, piece = thread % PIECES;
    const int STEP = THREADS_X * THREADS_Y / PIECES;
    int rows = piece < LOW(size) ? (int)(HIGH(size) - row) : 0, to = room + row * STRIDE + piece * 16;
    const byte *from = plane + ((HIGH(at) + row) * (unsigned)pitch + (LOW(at) + piece) * 16);
    settle(rows), settle(to), settle(from);
#pragma unroll
    for (int k = 0; k < (ROWS + STEP - 1) / STEP; ++k, from += STEP * pitch)
        if (rows > k * STEP) copy_16(to + k * STEP * STRIDE, from);
}

static __device__ __forceinline__ void make_tile(const Source &source, const Tables &tables, const Tile &tile,
                                                 const Target &out, unsigned x, unsigned y)
{
    __shared__ uint4 room[(LUMA_ROWS + CHROMA_ROWS) * STRIDE / 16];
    const unsigned read = shared_address(room);
    fetch<LUMA_ROWS>(read, source.y, source.y_pitch, tile.luma_at, tile.luma_size);
    fetch<CHROMA_ROWS>(read + CHROMA, source.uv, source.uv_pitch, tile.chroma_at, tile.chroma_size);
    const bool here = x < min(tile.end, (unsigned)out.width) && y < out.height;
    const int4 *terms = tables.first + 3 * (here ? y / BLOCK * out.columns + x / BLOCK : 0);
    const int4 p = terms[0], q = terms[1], s = terms[2];
    // 32: half of the last bit of a weight. A chroma sample lies a quarter of one before the middle of its four.
    const int i = x % BLOCK, r = y % BLOCK, left = LOW(tile.luma_at) * 16, top = HIGH(tile.luma_at);
    Work work = {
        about(p.x + 32 - (left << 16), p.y, p.z, p.w, q.x, q.y, i, r),
        about(q.z + 32 - (top << 16), q.w, s.x, s.y, s.z, s.w, i, r),
        read,
        read + CHROMA,
        (left << 17) - (int)(LOW(tile.chroma_at) * 8 << 18) - (1 << 16) + 64,
        (top << 17) - (int)(HIGH(tile.chroma_at) << 18) - (1 << 16) + 64,
        out.y + (y * (unsigned)out.y_pitch + x),
        out.uv + (y / 2 * (unsigned)out.uv_pitch + x),
    };
    wait_for_copies();
    __syncthreads();
    if (!here) return;
    const int rows = out.height - (int)y;
    make_rows(source, work, out, rows == 2);
    if (rows > 4) make_rows(source, work, out, rows == 6);
}

// ---- One sample at a time, clamped, in single precision

#define MAGIC 12582912.0f  // 1.5 * 2^23: a number near it has no fraction

// The sample behind a position; it is cheaper than the one before it.
static __device__ __forceinline__ float behind(float position) { return __fadd_rn(__fadd_rd(position, MAGIC), 1 - MAGIC); }

// across, down: from the last of four samples back to the position, -1 .. 0.
static __device__ __forceinline__ float blend(float a, float b, float c, float d, float across, float down)
{
    b += across * (b - a);
    d += across * (d - c);
    return d + down * (d - b);
}

static __device__ __forceinline__ float luma(const Source &source, float x, float y)
{
    // In the corner of the four samples, in texels, whose middles are at halves; beyond the edge, the edge's.
    const float column = behind(x), row = behind(y);
    const float4 four = tex2Dgather<float4>(source.luma, column, row);
    return __saturatef(blend(four.w, four.z, four.x, four.y, x - column, y - row) * source.gain + source.black);
}

static __device__ __forceinline__ float2 chroma(const Source &source, float x, float y)
{
    const float cx = fminf(fmaxf(0.5f * x - 0.25f, 0.0f), source.right), cy = fminf(fmaxf(0.5f * y - 0.25f, 0.0f), source.bottom);
    const int column = (int)cx, row = (int)cy;
    const byte *upper = source.uv + ((size_t)row * source.uv_pitch + 2 * column), *lower = upper + source.uv_pitch;
    const float across = cx - (column + 1), down = cy - (row + 1);
    const float u = blend(upper[0], upper[2], lower[0], lower[2], across, down);
    const float v = blend(upper[1], upper[3], lower[1], lower[3], across, down);
    return make_float2(u * (1.0f / 255), v * (1.0f / 255));
}

// One axis of a block's polynomial, about a cell's first sample.
struct Slope {
    float at, across, down, both, middle;
};

static __device__ __forceinline__ Slope slope(float a, float bx, float by, float bxy, float hxx, float hyy, float i, float r)
{
    Slope made;
    made.at = a + i * (bx + hxx * i + bxy * r) + r * (by + hyy * r);
    made.across = bx + bxy * r + hxx * (2 * i + 1);
    made.down = by + bxy * i + hyy * (2 * r + 1);
    made.both = bxy;
    made.middle = made.at + 0.5f * (made.across + made.down) + 0.25f * (bxy - hxx - hyy);
    return made;
}

static __device__ __forceinline__ float position(const Slope &slope, int across, int down)
{
    const float start = down ? slope.at + slope.down : slope.at;
    return across ? start + (down ? slope.across + slope.both : slope.across) : start;
}

// 2x2 luma samples, and the chroma sample in their middle; that of the other picture, and its share.
struct Cell {
    float luma[4];
    float2 chroma, other;
    float share;
};

static __device__ __forceinline__ Cell cell(const Source &source, float4 p, float4 q, float4 s, float i, float r)
{
    const Slope x = slope(p.x, p.y, p.z, p.w, q.x, q.y, i, r), y = slope(q.z, q.w, s.x, s.y, s.z, s.w, i, r);
    Cell made;
#pragma unroll
    for (int k = 0; k < 4; ++k) made.luma[k] = luma(source, position(x, k % 2, k / 2), position(y, k % 2, k / 2));
    made.chroma = chroma(source, x.middle, y.middle);
    return made;
}

static __device__ __forceinline__ float mixed(float one, float two, float share) { return one + share * (two - one); }

static __device__ __forceinline__ float2 toned(const Source &source, float2 colour, float brightness)
{
    const float grey = 128.0f / 255;
    return make_float2(__saturatef((colour.x - grey) * source.gain + (brightness * source.tint_u + grey)),
                       __saturatef((colour.y - grey) * source.gain + (brightness * source.tint_v + grey)));
}

// Two levels 0 .. 1 as bytes, rounded: adding 2^23 leaves no room for a fraction.
static __device__ __forceinline__ word rounded(float one, float two)
{
    return __byte_perm(__float_as_uint(one * 255 + 8388608.0f), __float_as_uint(two * 255 + 8388608.0f), 0x0040);
}

static __device__ __forceinline__ float4 floats(int4 terms)
{
    const float one = 1.0f / 65536;
    return make_float4(terms.x * one, terms.y * one, terms.z * one, terms.w * one);
}

// The cell at luma sample x, y: of one picture or of both.
static __device__ __forceinline__ void make_cell(const Source &left, const Source &right, const Tables &tables, const Target &out,
                                                 unsigned x, unsigned y)
{
    if (x >= out.width || y >= out.height) return;
    const unsigned block = y / BLOCK * out.columns + x / BLOCK;
    const int kind = tables.kinds[block];
    const int4 *first = tables.first + 3 * block;
    const float i = x % BLOCK, r = y % BLOCK;
    const Source source = kind == RIGHT ? right : left;
    Cell made = cell(source, floats(first[0]), floats(first[1]), floats(first[2]), i, r);
    if (kind >= 0) {
        const float4 *second = tables.second + 4 * kind, w = second[3];
        const Cell other = cell(right, second[0], second[1], second[2], i, r);
        made.share = __saturatef(w.x + w.z * r + i * (w.y + w.w * r));
        made.other = other.chroma;
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            const float ik = i + k % 2, rk = r + k / 2;
            made.luma[k] = mixed(made.luma[k], other.luma[k], __saturatef(w.x + w.z * rk + ik * (w.y + w.w * rk)));
        }
    }
    byte *luma = out.y + (size_t)y * out.y_pitch + x;
    *(word *)luma = rounded(made.luma[0], made.luma[1]);
    *(word *)(luma + out.y_pitch) = rounded(made.luma[2], made.luma[3]);
    const float brightness = (made.luma[0] + made.luma[1] + made.luma[2] + made.luma[3]) / 4 - 16.0f / 255;
    float2 colour = toned(source, made.chroma, brightness);
    if (kind >= 0) {
        const float2 other = toned(right, made.other, brightness);
        colour = make_float2(mixed(colour.x, other.x, made.share), mixed(colour.y, other.y, made.share));
    }
    *(word *)(out.uv + (size_t)(y / 2) * out.uv_pitch + x) = rounded(colour.x, colour.y);
}

extern "C" __global__ void __launch_bounds__(THREADS_X * THREADS_Y, RESIDENT)
    stitch(const __grid_constant__ Tables tables, const __grid_constant__ Source left,
           const __grid_constant__ Source right, const __grid_constant__ Target out)
{
    const uint4 one = tables.tiles[2 * blockIdx.x], more = tables.tiles[2 * blockIdx.x + 1];
    const Tile tile = {one.x, one.y, one.z, one.w, more.x, more.y, more.z};
    const int kind = (short)tile.kind_x;
    const unsigned x = HIGH(tile.kind_x) + threadIdx.x * ACROSS, y = tile.y + threadIdx.y * DOWN;
    if (kind == MIXED)
        make_cell(left, right, tables, out, HIGH(tile.kind_x) + threadIdx.x % 8 * 2, y + threadIdx.x / 8 * 2);
    else if (kind == LEFT)
        make_tile(left, tables, tile, out, x, y);
    else
        make_tile(right, tables, tile, out, x, y);
}
