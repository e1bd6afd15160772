// A small version of a luma plane: means of FACTOR x FACTOR samples, rounded as the processor's way rounds them.
// FACTOR (1 to 16) is given to the compiler, so that all loads of a cell are under way at once.

typedef unsigned char byte;

#define WORDS ((FACTOR + 6) / 4)  // aligned words that FACTOR bytes can touch

// The bytes of word `word` that belong to a cell which begins `skew` bytes into its first word.
static __device__ __forceinline__ unsigned part_of_cell(int word, int skew)
{
    unsigned mask = 0;
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        int column = 4 * word + k - skew;
        if (column >= 0 && column < FACTOR) mask |= 255u << (8 * k);
    }
    return mask;
}

// One cell a thread. luma and pitch are multiples of 4.
extern "C" __global__ void reduce(const byte *__restrict__ luma, int pitch, byte *__restrict__ out, int columns, int rows)
{
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= columns || row >= rows) return;
    int first = column * FACTOR, skew = first & 3;
    const unsigned *words = (const unsigned *)(luma + (size_t)(row * FACTOR) * pitch + (first - skew));
    unsigned sum = FACTOR * FACTOR / 2;
    unsigned masks[WORDS];
#pragma unroll
    for (int w = 0; w < WORDS; ++w) masks[w] = part_of_cell(w, skew);
#pragma unroll
    for (int line = 0; line < FACTOR; ++line) {
#pragma unroll
        for (int w = 0; w < WORDS; ++w)
            if (masks[w])  // else the word may lie beyond the plane
                sum = __dp4a(__ldg(words + line * (pitch / 4) + w) & masks[w], 0x01010101u, sum);
    }
    out[row * columns + column] = sum / (FACTOR * FACTOR);
}
