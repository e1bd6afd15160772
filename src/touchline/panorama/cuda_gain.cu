// Reads both cameras' pictures at pairs of points, for comparing them.

typedef unsigned char byte;

struct Planes {
    const byte *y, *uv;
    int y_pitch, uv_pitch;
};

struct Point {
    int x, y;
};

struct Sample {
    unsigned short luma;  // sum of the four samples beside the chroma sample
    byte u, v;
};

static __device__ __forceinline__ Sample sample(const Planes &picture, Point place)
{
    const byte *luma = picture.y + (size_t)(2 * place.y) * picture.y_pitch + 2 * place.x;
    const byte *below = luma + picture.y_pitch;
    const byte *chroma = picture.uv + (size_t)place.y * picture.uv_pitch + 2 * place.x;
    Sample made;
    made.luma = luma[0] + luma[1] + below[0] + below[1];
    made.u = chroma[0];
    made.v = chroma[1];
    return made;
}

// points: `count` chroma coordinates of the left picture, then as many of the right one; out: (count, 2) samples.
extern "C" __global__ void sample_points(const Planes left, const Planes right, const Point *points, Sample *out, int count)
{
    int point = blockIdx.x * blockDim.x + threadIdx.x;
    if (point >= count) return;
    out[2 * point] = sample(left, points[point]);
    out[2 * point + 1] = sample(right, points[count + point]);
}
