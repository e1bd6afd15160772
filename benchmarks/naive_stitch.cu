// Stitching as one would write it down: a table for every coordinate and weight, both pictures read for every pixel,
// RGBA. Once with a pixel's four bytes loaded together, and once byte by byte. Cameras and encoders speak NV12, so that
// way needs a conversion before and one behind it, which come last here.

static __device__ float4 bilinear(const uchar4 *picture, float x, float y, int width, int height)
{
    int column = (int)floorf(x), row = (int)floorf(y);
    if (column < 0 || row < 0 || column + 1 >= width || row + 1 >= height) return make_float4(0, 0, 0, 0);
    float fx = x - column, fy = y - row;
    uchar4 p = picture[row * width + column], q = picture[row * width + column + 1];
    uchar4 r = picture[(row + 1) * width + column], s = picture[(row + 1) * width + column + 1];
    float a = (1 - fx) * (1 - fy), b = fx * (1 - fy), c = (1 - fx) * fy, d = fx * fy;
    return make_float4(a * p.x + b * q.x + c * r.x + d * s.x, a * p.y + b * q.y + c * r.y + d * s.y,
                       a * p.z + b * q.z + c * r.z + d * s.z, 255);
}

extern "C" __global__ void pixels(const uchar4 *left, const uchar4 *right, const float *lut_left_x, const float *lut_left_y,
                                  const float *lut_right_x, const float *lut_right_y, const float *weight_left,
                                  const float *weight_right, uchar4 *out, int width, int height, int source_width,
                                  int source_height)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    int i = y * width + x;
    float4 l = bilinear(left, lut_left_x[i], lut_left_y[i], source_width, source_height);
    float4 r = bilinear(right, lut_right_x[i], lut_right_y[i], source_width, source_height);
    float p = weight_left[i], q = weight_right[i];
    out[i] = make_uchar4(p * l.x + q * r.x + 0.5f, p * l.y + q * r.y + 0.5f, p * l.z + q * r.z + 0.5f, 255);
}

static __device__ float bilinear(const unsigned char *picture, float x, float y, int channel, int width, int height)
{
    int column = (int)floorf(x), row = (int)floorf(y);
    if (column < 0 || row < 0 || column + 1 >= width || row + 1 >= height) return 0;
    float fx = x - column, fy = y - row;
    float p = picture[(row * width + column) * 4 + channel], q = picture[(row * width + column + 1) * 4 + channel];
    float r = picture[((row + 1) * width + column) * 4 + channel], s = picture[((row + 1) * width + column + 1) * 4 + channel];
    return (1 - fx) * (1 - fy) * p + fx * (1 - fy) * q + (1 - fx) * fy * r + fx * fy * s;
}

extern "C" __global__ void bytes(const unsigned char *left, const unsigned char *right, const float *lut_left_x,
                                 const float *lut_left_y, const float *lut_right_x, const float *lut_right_y,
                                 const float *weight_left, const float *weight_right, unsigned char *out, int width,
                                 int height, int source_width, int source_height)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    int i = y * width + x;
    for (int channel = 0; channel < 3; ++channel) {
        float l = bilinear(left, lut_left_x[i], lut_left_y[i], channel, source_width, source_height);
        float r = bilinear(right, lut_right_x[i], lut_right_y[i], channel, source_width, source_height);
        out[4 * i + channel] = weight_left[i] * l + weight_right[i] * r + 0.5f;
    }
    out[4 * i + 3] = 255;
}

static __device__ unsigned char level(float value)
{
    return (unsigned char)(fminf(fmaxf(value, 0), 255) + 0.5f);
}

// BT.709, video range.
extern "C" __global__ void to_rgba(const unsigned char *y, const unsigned char *uv, uchar4 *out, int width, int height)
{
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= width || row >= height) return;
    const unsigned char *chroma = uv + row / 2 * width + column / 2 * 2;
    float luma = 1.1644f * (y[row * width + column] - 16), u = chroma[0] - 128.0f, v = chroma[1] - 128.0f;
    out[row * width + column] = make_uchar4(level(luma + 1.7927f * v), level(luma - 0.2132f * u - 0.5329f * v),
                                            level(luma + 2.1124f * u), 255);
}

extern "C" __global__ void to_nv12(const uchar4 *picture, unsigned char *y, unsigned char *uv, int width, int height)
{
    int column = 2 * (blockIdx.x * blockDim.x + threadIdx.x), row = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (column >= width || row >= height) return;
    float red = 0, green = 0, blue = 0;
    for (int n = 0; n < 4; ++n) {
        int at = (row + n / 2) * width + column + n % 2;
        uchar4 p = picture[at];
        y[at] = level(16 + 0.1826f * p.x + 0.6142f * p.y + 0.0620f * p.z);
        red += p.x, green += p.y, blue += p.z;
    }
    unsigned char *chroma = uv + row / 2 * width + column;
    chroma[0] = level(128 - 0.0252f * red - 0.0847f * green + 0.1098f * blue);
    chroma[1] = level(128 + 0.1098f * red - 0.0997f * green - 0.0101f * blue);
}
