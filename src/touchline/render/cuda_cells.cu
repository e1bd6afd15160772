// Views of any kind: each thread makes a cell of a few luma samples, with the chroma samples in it, through the
// hardware's bilinear textures. The polynomial of so small a cell is as good as exact.

// Where fetch `one` of `count` lies within its sample.
__device__ inline float spread(int one, float part)
{
    return (one + 0.5f) * part - 0.5f;
}

__device__ inline unsigned packed(const unsigned *bytes)
{
    const unsigned low = __byte_perm(bytes[0], bytes[1], 0x0040), high = __byte_perm(bytes[2], bytes[3], 0x0040);
    return __byte_perm(low, high, 0x5410);
}

// Writes the lowest bytes of WIDTH numbers, or of the first `count`.
template <int WIDTH> __device__ inline void store(unsigned char *to, const unsigned *bytes, int count)
{
    if (count == WIDTH && ((size_t)to & (WIDTH - 1)) == 0) {
        if (WIDTH == 8)
            *(uint2 *)to = make_uint2(packed(bytes), packed(bytes + WIDTH - 4));
        else if (WIDTH == 4)
            *(unsigned *)to = packed(bytes);
        else
            *(unsigned short *)to = (unsigned short)__byte_perm(bytes[0], bytes[1], 0x0040);
    } else {
#pragma unroll
        for (int i = 0; i < WIDTH; i++)
            if (i < count)
                to[i] = (unsigned char)bytes[i];
    }
}

// Luma row `row` of a cell. Each sample is the mean of fetches x fetches, spread evenly over its area.
template <int WIDTH, int HEIGHT>
__device__ inline void luma_row(
    const Source &source, const Bend &across, const Bend &down, int row, int fetches, unsigned *bytes)
{
    const float part = 1.0f / fetches;
    float sums[WIDTH] = {};
#pragma unroll
    for (int n = 0; n < fetches; n++) {
        const float dy = row - 0.5f * (HEIGHT - 1) + spread(n, part);
        const Line line_x = line_of(across, dy), line_y = line_of(down, dy);
#pragma unroll
        for (int i = 0; i < WIDTH; i++)
#pragma unroll
            for (int m = 0; m < fetches; m++) {
                const float dx = i - 0.5f * (WIDTH - 1) + spread(m, part);
                const float px = on(line_x, dx), py = on(line_y, dx);
                sums[i] += fetches == 1 ? exact_luma(source, px, py) : tex2D<float>(source.luma_texture, px, py);
            }
    }
#pragma unroll
    for (int i = 0; i < WIDTH; i++)
        bytes[i] = byte_of(sums[i] * (part * part));
}

// The chroma row of luma rows `row` and `row + 1`; the mapping is that of chroma, still in luma offsets.
template <int WIDTH, int HEIGHT>
__device__ inline void chroma_row(
    const Source &source, const Bend &across, const Bend &down, int row, int fetches, unsigned *bytes)
{
    const float part = 1.0f / fetches;
    float2 sums[WIDTH / 2] = {};
#pragma unroll
    for (int n = 0; n < fetches; n++) {
        const float dy = row + 0.5f - 0.5f * (HEIGHT - 1) + 2.0f * spread(n, part);
        const Line line_x = line_of(across, dy), line_y = line_of(down, dy);
#pragma unroll
        for (int i = 0; i < WIDTH / 2; i++)
#pragma unroll
            for (int m = 0; m < fetches; m++) {
                const float dx = 2 * i + 0.5f - 0.5f * (WIDTH - 1) + 2.0f * spread(m, part);
                const float px = on(line_x, dx), py = on(line_y, dx);
                const float2 pair =
                    fetches == 1 ? exact_chroma(source, px, py) : tex2D<float2>(source.chroma_texture, px, py);
                sums[i].x += pair.x;
                sums[i].y += pair.y;
            }
    }
#pragma unroll
    for (int i = 0; i < WIDTH / 2; i++) {
        bytes[2 * i] = byte_of(sums[i].x * (part * part));
        bytes[2 * i + 1] = byte_of(sums[i].y * (part * part));
    }
}

// FETCHES: how many along each axis, or 0 for as many as the mapping says.
template <int WIDTH, int HEIGHT, int FETCHES>
__device__ inline void render_cell(const Source &source, const Mapping &map, const Output &out)
{
    const int x = (blockIdx.x * blockDim.x + threadIdx.x) * WIDTH;
    const int y = (blockIdx.y * blockDim.y + threadIdx.y) * HEIGHT;
    if (x >= out.width || y >= out.height)
        return;
    const int columns = min(WIDTH, out.width - x), rows = min(HEIGHT, out.height - y);
    const int fetches = FETCHES ? FETCHES : map.fetches;
    Bend across, down;
    bends(map, x + 0.5f * (WIDTH - 1), y + 0.5f * (HEIGHT - 1), across, down);
    // A texture's first sample lies at 0.5. A chroma sample lies in the middle of its four luma samples, so that
    // its coordinates, from the picture's corner, are just half of theirs.
    across.at += 0.5f;
    down.at += 0.5f;
    unsigned bytes[WIDTH];
#pragma unroll
    for (int row = 0; row < HEIGHT; row++) {
        luma_row<WIDTH, HEIGHT>(source, across, down, row, fetches, bytes);
#pragma unroll
        for (int i = 0; i < WIDTH; i++)
            bytes[i] = shown(out, x + i, y + row) ? bytes[i] : 16;
        if (row < rows)
            store<WIDTH>(out.luma + (size_t)(y + row) * out.luma_pitch + x, bytes, columns);
    }
    across = halved(across);
    down = halved(down);
#pragma unroll
    for (int row = 0; row < HEIGHT; row += 2) {
        chroma_row<WIDTH, HEIGHT>(source, across, down, row, fetches, bytes);
#pragma unroll
        for (int i = 0; i < WIDTH; i++)
            bytes[i] = shown(out, x + i, y + row) ? bytes[i] : 128;
        if (row < rows)
            store<WIDTH>(out.chroma + (size_t)((y + row) / 2) * out.chroma_pitch + x, bytes, columns);
    }
}

// For any number of fetches.
extern "C" __global__ void __launch_bounds__(256) cells(const Source source, const Mapping map, const Output out)
{
    render_cell<4, 2, 0>(source, map, out);
}

extern "C" __global__ void __launch_bounds__(256) cells_2(const Source source, const Mapping map, const Output out)
{
    render_cell<4, 2, 2>(source, map, out);
}

// For mappings that bend strongly from one sample to the next.
extern "C" __global__ void __launch_bounds__(256) fine_cells(const Source source, const Mapping map, const Output out)
{
    render_cell<2, 2, 0>(source, map, out);
}
