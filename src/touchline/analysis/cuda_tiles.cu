// Tiles of an NV12 picture as one batch of planar RGB numbers: what a detector reads.
//
// Each thread makes GROUP samples of two rows of one tile in all three colours, so that every store is 16 bytes.
// Tiles that are not scaled (`plain`) read packed bytes; the others bilinear textures, the
// mean of several fetches where a tile is coarser than the picture.
//
// Compile with SINGLE 1 for float32 numbers or 0 for float16.

#if SINGLE
#define GROUP 4
typedef float Number;
#else
#define GROUP 8
typedef unsigned short Number;
#endif

struct Source {
    cudaTextureObject_t luma_texture, chroma_texture;  // bilinear, clamped, 0 .. 1, coordinates in samples
    const unsigned char *luma, *chroma;
    int luma_pitch, chroma_pitch, width, height;
};

struct Cut {
    float x, y, step_x, step_y;  // where the tile begins, and how far apart its samples are, in luma samples
    int fetches;                 // along each axis for one sample
    int plain;                   // 1: steps of one, x a multiple of 4, y even, the width one of GROUP, all of it inside
    int unused[2];
};

struct Colours {
    float luma, black;                                       // brightness = luma * level - black, levels 0 .. 255
    float red_from_v, green_from_u, green_from_v, blue_from_u;  // for each level from 128
    float scale[3], offset[3];                               // number = scale * colour (0 .. 1) + offset
};

struct Batch {
    Number *numbers;  // (tiles, 3, height, width), without gaps
    int width, height;
};

__device__ inline Number number_of(float value)
{
#if SINGLE
    return value;
#else
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
#endif
}

__device__ inline void store(Number *to, const float *values, int count, bool aligned)
{
    if (count == GROUP && aligned) {
#if SINGLE
        *(float4 *)to = make_float4(values[0], values[1], values[2], values[3]);
#else
        unsigned words[4];
#pragma unroll
        for (int i = 0; i < 4; i++)
            words[i] = number_of(values[2 * i]) | (unsigned)number_of(values[2 * i + 1]) << 16;
        *(uint4 *)to = make_uint4(words[0], words[1], words[2], words[3]);
#endif
    } else {
#pragma unroll
        for (int i = 0; i < GROUP; i++)
            if (i < count)
                to[i] = number_of(values[i]);
    }
}

// Levels 0 .. 255 of one row of samples, u and v already less 128, turned into numbers and written.
__device__ inline void write_row(const Batch &batch, const Colours &colours, int tile, int x, int row, const float *y,
                                 const float *u, const float *v, unsigned black)
{
    const size_t plane = (size_t)batch.width * batch.height;
    Number *to = batch.numbers + (size_t)tile * 3 * plane + (size_t)row * batch.width + x;
    const int count = min(GROUP, batch.width - x);
    const bool aligned = batch.width % GROUP == 0;
    float red[GROUP], green[GROUP], blue[GROUP];
#pragma unroll
    for (int i = 0; i < GROUP; i++) {
        const float bright = y[i] * colours.luma - colours.black;
        const bool inside = !(black >> i & 1);
        red[i] = inside ? __saturatef(bright + v[i] * colours.red_from_v) : 0.0f;
        green[i] = inside ? __saturatef(bright + u[i] * colours.green_from_u + v[i] * colours.green_from_v) : 0.0f;
        blue[i] = inside ? __saturatef(bright + u[i] * colours.blue_from_u) : 0.0f;
        red[i] = red[i] * colours.scale[0] + colours.offset[0];
        green[i] = green[i] * colours.scale[1] + colours.offset[1];
        blue[i] = blue[i] * colours.scale[2] + colours.offset[2];
    }
    store(to, red, count, aligned);
    store(to + plane, green, count, aligned);
    store(to + 2 * plane, blue, count, aligned);
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

// Two rows of samples through textures.
__device__ inline void sampled(const Source &source, const Cut &cut, const Batch &batch, const Colours &colours,
                               int tile, int x, int row)
{
    const int fetches = cut.fetches;
    const float part = 1.0f / fetches, share = 255.0f * part * part;
    const bool exact = fetches == 1 && (cut.step_x != 1 || cut.step_y != 1);
    for (int line = row; line < min(row + 2, batch.height); line++) {
        float y[GROUP], u[GROUP], v[GROUP];
        unsigned black = 0;
#pragma unroll
        for (int i = 0; i < GROUP; i++) {
            // From the picture's corner, as textures count; a chroma coordinate is half of the luma's.
            const float left = cut.x + cut.step_x * (x + i), top = cut.y + cut.step_y * line;
            const float middle_x = left + 0.5f * cut.step_x, middle_y = top + 0.5f * cut.step_y;
            if (middle_x < 0 || middle_x > source.width || middle_y < 0 || middle_y > source.height)
                black |= 1u << i;
            float sum_y = 0, sum_u = 0, sum_v = 0;
            for (int n = 0; n < fetches; n++)
                for (int m = 0; m < fetches; m++) {
                    const float px = left + cut.step_x * (m + 0.5f) * part, py = top + cut.step_y * (n + 0.5f) * part;
                    const float2 pair = exact ? exact_chroma(source, 0.5f * px, 0.5f * py)
                                              : tex2D<float2>(source.chroma_texture, 0.5f * px, 0.5f * py);
                    sum_y += exact ? exact_luma(source, px, py) : tex2D<float>(source.luma_texture, px, py);
                    sum_u += pair.x;
                    sum_v += pair.y;
                }
            y[i] = sum_y * share;
            u[i] = sum_u * share - 128.0f;
            v[i] = sum_v * share - 128.0f;
        }
        write_row(batch, colours, tile, x, line, y, u, v, black);
    }
}

__device__ inline unsigned spaced(unsigned pair)  // u | v << 8 as u | v << 16
{
    return __byte_perm(pair, 0, 0x4140);
}

// Two rows of samples of a plain tile. Chroma lies a quarter of its own step beside luma, so its weights are 1/4 and 3/4.
__device__ inline void plain(const Source &source, const Cut &cut, const Batch &batch, const Colours &colours,
                             int tile, int x, int row)
{
    const int sx = (int)cut.x + x, sy = (int)cut.y + row;
    const unsigned char *luma = source.luma + (size_t)sy * source.luma_pitch + sx;
    const int before = sx > 0 ? -2 : 0, after = sx + GROUP < source.width ? GROUP : GROUP - 2;
    unsigned bright[2][GROUP / 4], colour[3][GROUP / 2 + 2];
#pragma unroll
    for (int i = 0; i < GROUP / 4; i++) {
        bright[0][i] = *(const unsigned *)(luma + 4 * i);
        bright[1][i] = *(const unsigned *)(luma + source.luma_pitch + 4 * i);
    }
#pragma unroll
    for (int j = 0; j < 3; j++) {
        const int down = min(max(sy / 2 + j - 1, 0), source.height / 2 - 1);
        const unsigned char *line = source.chroma + (size_t)down * source.chroma_pitch + sx;
        colour[j][0] = spaced(*(const unsigned short *)(line + before));
#pragma unroll
        for (int i = 0; i < GROUP / 4; i++) {
            const unsigned two = *(const unsigned *)(line + 4 * i);
            colour[j][1 + 2 * i] = spaced(two);
            colour[j][2 + 2 * i] = spaced(two >> 16);
        }
        colour[j][GROUP / 2 + 1] = spaced(*(const unsigned short *)(line + after));
    }
#pragma unroll
    for (int j = 0; j < 2; j++) {
        float y[GROUP], u[GROUP], v[GROUP];
        unsigned mixed[GROUP / 2 + 2];
#pragma unroll
        for (int i = 0; i < GROUP / 2 + 2; i++)
            mixed[i] = 3 * colour[1][i] + colour[2 * j][i];  // both samples at once: 4 * 255 needs 10 bits
#pragma unroll
        for (int i = 0; i < GROUP; i++) {
            const unsigned sum = 3 * mixed[1 + i / 2] + mixed[i / 2 + 2 * (i % 2)];
            u[i] = (sum & 0xffff) * 0.0625f - 128.0f;
            v[i] = (sum >> 16) * 0.0625f - 128.0f;
            y[i] = bright[j][i / 4] >> 8 * (i % 4) & 255;
        }
        if (row + j < batch.height)
            write_row(batch, colours, tile, x, row + j, y, u, v, 0);
    }
}

extern "C" __global__ void __launch_bounds__(256)
    cut_tiles(const Source source, const Cut *__restrict__ cuts, const Colours colours, const Batch batch)
{
    const int x = (blockIdx.x * blockDim.x + threadIdx.x) * GROUP;
    const int row = (blockIdx.y * blockDim.y + threadIdx.y) * 2, tile = blockIdx.z;
    if (x >= batch.width || row >= batch.height)
        return;
    const Cut cut = cuts[tile];
    if (cut.plain)
        plain(source, cut, batch, colours, tile, x, row);
    else
        sampled(source, cut, batch, colours, tile, x, row);
}
