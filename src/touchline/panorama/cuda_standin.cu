// A quarter of a plane's light about a level: what is shown in place of a camera that was lost.

typedef unsigned char byte;

// Four bytes a thread.
extern "C" __global__ void dim(const byte *from, int from_pitch, byte *to, int to_pitch, int width, int rows, float level)
{
    int first = 4 * (blockIdx.x * blockDim.x + threadIdx.x), row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    const byte *source = from + (size_t)row * from_pitch;
    byte *target = to + (size_t)row * to_pitch;
    for (int column = first; column < min(first + 4, width); ++column)
        target[column] = (byte)rintf(level + (source[column] - level) / 4);
}
