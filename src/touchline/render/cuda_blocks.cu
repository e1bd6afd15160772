// Views at about the panorama's own fineness, one fetch for each sample: each block of threads makes a tile of the
// output. It copies the part of the panorama that the tile shows into shared memory, where any thread reads any byte at
// once, and resamples it there in whole numbers with weights of eight bits.

#define WIDTH 32   // luma samples of a tile, a multiple of 32
#define HEIGHT 32
#define LINES 4    // rows of threads, 32 in each
#define ROWS (HEIGHT / LINES)
#define PITCH 144 // bytes from row to row in shared memory: 128 that can be used, and no two rows on the same banks

// Positions in shared memory lie between 128 and 256, so that a float's bits are a whole number and 16 bits behind
// its point. Half of an eight-bit weight's last place is added, because these are cut off, not rounded.
#define BIAS (128.0f + 1.0f / 512)

struct Box {
    int x, y;          // the first sample that is copied; x on 16 bytes, y may lie outside the picture
    int chunks, rows;  // of 16 bytes in a row
};

struct Plan {
    Box luma, chroma;
    bool fits;  // all that the tile shows lies inside the picture's columns, and in shared memory
};

#ifndef ON_HOST
extern __shared__ uint4 shared_memory[];

__device__ inline void copy_16(unsigned char *to, const unsigned char *from)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((unsigned)__cvta_generic_to_shared(to)), "l"(from));
}

__device__ inline void wait_for_copies()
{
    asm volatile("cp.async.wait_all;");
}
#endif

// Half the extent of a tile in the picture along one axis, and a little more for what the polynomial leaves out.
__device__ inline float reach_of(const Bend &bend)
{
    const float x = WIDTH / 2, y = HEIGHT / 2;
    return x * (fabsf(bend.x) + x * fabsf(bend.xx)) + y * (fabsf(bend.y) + x * fabsf(bend.xy) + y * fabsf(bend.yy))
           + 0.06f;
}

// What of a plane bilinear fetches of x - reach_x .. x + reach_x and so on read.
__device__ inline bool box_of(
    float x, float reach_x, float y, float reach_y, int width, int height, int bytes, int rows, Box &box)
{
    const int left = (int)floorf(x - reach_x), right = (int)floorf(x + reach_x) + 1;
    const int top = (int)floorf(y - reach_y), bottom = (int)floorf(y + reach_y) + 1;
    box.x = left & ~(16 / bytes - 1);
    box.y = top;
    box.chunks = ((right - box.x) * bytes >> 4) + 1;
    box.rows = bottom - top + 1;
    return left >= 0 && right < width && box.chunks <= 8 && box.rows <= rows;
}

__device__ inline Plan planned(const Source &source, const Mapping &map, float x, float y)
{
    Plan plan;
    Bend across, down;
    bends(map, x, y, across, down);
    const float reach_x = reach_of(across), reach_y = reach_of(down), px = across.at, py = down.at;
    const bool luma =
        box_of(px, reach_x, py, reach_y, source.width, source.height, 1, map.rows, plan.luma);
    const bool chroma = box_of(0.5f * px - 0.25f, 0.5f * reach_x, 0.5f * py - 0.25f, 0.5f * reach_y, source.width / 2,
                               source.height / 2, 2, map.rows / 2 + 2, plan.chroma);
    plan.fits = luma && chroma;
    return plan;
}

// Rows above and below the picture are its first and its last.
__device__ inline void copy_box(
    unsigned char *to, const unsigned char *plane, int pitch, int height, int bytes, const Box &box)
{
    const int chunk = threadIdx.x & 7, first = threadIdx.y * 4 + (threadIdx.x >> 3);
    if (chunk < box.chunks)
        for (int row = first; row < box.rows; row += LINES * 4) {
            const int line = min(max(box.y + row, 0), height - 1);
            copy_16(to + row * PITCH + chunk * 16, plane + (size_t)line * pitch + box.x * bytes + chunk * 16);
        }
}

__device__ inline unsigned whole(float position)
{
    return __byte_perm(__float_as_uint(position), 0, 0x4442);
}

__device__ inline int weight(float position)
{
    return __byte_perm(__float_as_uint(position), 0, 0x4441);
}

// A level times 65536.
__device__ inline unsigned luma_at(const unsigned char *held, float x, float y)
{
    const unsigned char *p = held + whole(y) * PITCH + whole(x);
    const int wx = weight(x), wy = weight(y), a = p[0], b = p[1], c = p[PITCH], d = p[PITCH + 1];
    const int upper = a * 256 + (b - a) * wx, lower = c * 256 + (d - c) * wx;
    return upper * 256 + (lower - upper) * wy;
}

__device__ inline unsigned spaced(const unsigned char *pair)  // u | v << 16
{
    return __byte_perm(*(const unsigned short *)pair, 0, 0x4140);
}

__device__ inline uint2 chroma_at(const unsigned char *held, float x, float y)
{
    const unsigned char *p = held + whole(y) * PITCH + whole(x) * 2;
    const unsigned wx = weight(x), wy = weight(y);
    const unsigned left = spaced(p) * (256 - wy) + spaced(p + PITCH) * wy;  // both samples at once: 16 bits each
    const unsigned right = spaced(p + 2) * (256 - wy) + spaced(p + PITCH + 2) * wy;
    return make_uint2((left & 0xffff) * (256 - wx) + (right & 0xffff) * wx, (left >> 16) * (256 - wx) + (right >> 16) * wx);
}

// The same through textures, for tiles that do not fit.
__device__ inline unsigned luma_beside(const Source &source, const Box &box, float x, float y)
{
    return (unsigned)(exact_luma(source, x - BIAS + box.x + 0.5f, y - BIAS + box.y + 0.5f) * (255.0f * 65536.0f));
}

__device__ inline uint2 chroma_beside(const Source &source, const Box &box, float x, float y)
{
    const float2 pair = exact_chroma(source, x - BIAS + box.x + 0.5f, y - BIAS + box.y + 0.5f);
    return make_uint2((unsigned)(pair.x * (255.0f * 65536.0f)), (unsigned)(pair.y * (255.0f * 65536.0f)));
}

// The luma samples of one thread in one column: ROWS of it.
template <bool FITS>
__device__ inline void luma_column(const Source &source, const Plan &plan, const Bend &across, const Bend &down,
                                   const unsigned char *held, const Output &out, int x, int y)
{
    const float start_x = across.at - plan.luma.x + BIAS, start_y = down.at - plan.luma.y + BIAS;
    unsigned char *to = out.luma + (size_t)y * out.luma_pitch + x;
#pragma unroll
    for (int k = 0; k < ROWS; k++) {
        const float j = k - 0.5f * (ROWS - 1);
        const float px = start_x + j * (across.y + j * across.yy), py = start_y + j * (down.y + j * down.yy);
        const unsigned level = FITS ? luma_at(held, px, py) : luma_beside(source, plan.luma, px, py);
        if (x < out.width && y + k < out.height)
            *to = shown(out, x, y + k) ? (unsigned char)((level + 0x8000) >> 16) : 16;
        to += out.luma_pitch;
    }
}

// One axis of the chroma samples of one thread, which lie between the luma columns of two threads of its warp, in the row
// offsets from the middle of these columns; halved, as chroma counts.
struct Column {
    float at, row, bend;
};

__device__ inline Column chroma_axis(const Bend &bend, int begin)
{
    const int lane = 2 * (threadIdx.x & 15);
    const float at = bend.at + 0.5f * (bend.x + 0.5f * bend.xx), row = bend.y + 0.5f * bend.xy;
    return {0.5f * __shfl_sync(~0u, at, lane) - begin + (BIAS - 0.25f), 0.5f * __shfl_sync(~0u, row, lane),
            0.5f * __shfl_sync(~0u, bend.yy, lane)};
}

// The chroma samples of one thread in one column: ROWS / 4 of it. x and y: of the warp's first luma sample.
template <bool FITS>
__device__ inline void chroma_column(const Source &source, const Plan &plan, const Bend &across, const Bend &down,
                                     const unsigned char *held, const Output &out, int x, int y)
{
    const Column column = chroma_axis(across, plan.chroma.x), line = chroma_axis(down, plan.chroma.y);
    const int cx = x + 2 * (threadIdx.x & 15), first = (threadIdx.x >> 4) * (ROWS / 2);
#pragma unroll
    for (int k = 0; k < ROWS / 2; k += 2) {
        const int cy = y + first + k;
        const float j = first + k + 0.5f - 0.5f * (ROWS - 1);
        const float px = column.at + j * (column.row + j * column.bend), py = line.at + j * (line.row + j * line.bend);
        const uint2 pair = FITS ? chroma_at(held, px, py) : chroma_beside(source, plan.chroma, px, py);
        const unsigned both = (pair.x + 0x8000) >> 16 | (pair.y + 0x8000) >> 16 << 8;
        if (cx < out.width && cy < out.height)
            *(unsigned short *)(out.chroma + (size_t)(cy / 2) * out.chroma_pitch + cx) =
                shown(out, cx, cy) ? (unsigned short)both : 0x8080;
    }
}

// What one warp makes: ROWS of WIDTH luma samples, and their chroma.
template <bool FITS>
__device__ inline void rows_of(const Source &source, const Plan &plan, const Bend (&across)[WIDTH / 32],
                               const Bend (&down)[WIDTH / 32], const unsigned char *luma, const unsigned char *chroma,
                               const Output &out)
{
    const int y = blockIdx.y * HEIGHT + threadIdx.y * ROWS;
#pragma unroll
    for (int part = 0; part < WIDTH / 32; part++) {
        const int x = blockIdx.x * WIDTH + 32 * part;
        luma_column<FITS>(source, plan, across[part], down[part], luma, out, x + threadIdx.x, y);
        chroma_column<FITS>(source, plan, across[part], down[part], chroma, out, x, y);
    }
}

extern "C" __global__ void __launch_bounds__(32 * LINES) blocks(const Source source, const Mapping map, const Output out)
{
    __shared__ Plan plan;
    unsigned char *luma = (unsigned char *)shared_memory, *chroma = luma + map.rows * PITCH;
    if (threadIdx.y == 0) {
        const float middle_x = 0.5f * (WIDTH - 1), middle_y = 0.5f * (HEIGHT - 1);
        const Plan made = planned(source, map, blockIdx.x * WIDTH + middle_x, blockIdx.y * HEIGHT + middle_y);
        if (threadIdx.x == 0)
            plan = made;
    }
    __syncthreads();
    if (plan.fits) {
        copy_box(luma, source.luma, source.luma_pitch, source.height, 1, plan.luma);
        copy_box(chroma, source.chroma, source.chroma_pitch, source.height / 2, 2, plan.chroma);
    }
    // While the copies are on their way.
    Bend across[WIDTH / 32], down[WIDTH / 32];
    const float y = blockIdx.y * HEIGHT + threadIdx.y * ROWS + 0.5f * (ROWS - 1);
#pragma unroll
    for (int part = 0; part < WIDTH / 32; part++)
        bends(map, blockIdx.x * WIDTH + 32 * part + threadIdx.x, y, across[part], down[part]);
    if (plan.fits) {
        wait_for_copies();
        __syncthreads();
        rows_of<true>(source, plan, across, down, luma, chroma, out);
    } else {
        rows_of<false>(source, plan, across, down, luma, chroma, out);
    }
}
