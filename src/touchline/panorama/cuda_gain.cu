// How the right camera's exposure and white balance differ from the left one's: touchline.panorama.gain's
// `difference_of`, on the pictures where they are. One block of threads does it all, and five numbers leave the GPU.
//
// DARK, BRIGHT, NEAR and NEAR_TINT are given to the compiler by the host, which does the same with them.

typedef unsigned char byte;

#define THREADS 512
#define ROOM 2048  // points at most; a power of two, for they are sorted
#define NONE 1e30  // no value: behind all others

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

struct Told {
    double log_gain, tint_u, tint_v;
    int good, unused;  // points that tell anything
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

static __device__ __forceinline__ double above_black(Sample seen) { return seen.luma / 4.0 - 16; }

static __device__ __forceinline__ bool tells(Sample left, Sample right)
{
    const double one = above_black(left), two = above_black(right);
    return min(one, two) > DARK && max(one, two) < BRIGHT;
}

// The sum over all threads, in each of them.
static __device__ double sum(double value, double *room)
{
    const int thread = threadIdx.x;
    __syncthreads();
    room[thread] = value;
    for (int half = THREADS / 2; half; half /= 2) {
        __syncthreads();
        if (thread < half) room[thread] += room[thread + half];
    }
    __syncthreads();
    return room[0];
}

// The median of the first `good` of `size` values once they are sorted (bitonic; Batcher 1968).
static __device__ double median(double *values, int size, int good)
{
    for (int run = 2; run <= size; run *= 2)
        for (int apart = run / 2; apart; apart /= 2) {
            __syncthreads();
            for (int i = threadIdx.x; i < size; i += THREADS) {
                const int other = i ^ apart;
                if (other < i) continue;
                const double one = values[i], two = values[other];
                if (one > two == !(i & run)) values[i] = two, values[other] = one;
            }
        }
    __syncthreads();
    const double middle = (values[(good - 1) / 2] + values[good / 2]) / 2;
    __syncthreads();
    return middle;
}

// points: `count` (at most ROOM) chroma coordinates of the left picture, then as many of the right one.
extern "C" __global__ void differ(const Planes left, const Planes right, const Point *points, Told *told, int count)
{
    __shared__ Sample seen[2][ROOM];
    __shared__ double values[ROOM], room[THREADS];
    int size = 2;
    while (size < count) size *= 2;
    double mine = 0;
    for (int i = threadIdx.x; i < size; i += THREADS) {
        values[i] = NONE;
        if (i >= count) continue;
        const Sample one = seen[0][i] = sample(left, points[i]), two = seen[1][i] = sample(right, points[count + i]);
        if (tells(one, two)) values[i] = log(above_black(two) / above_black(one)), ++mine;
    }
    const int good = (int)sum(mine, room);
    if (!good) {
        if (!threadIdx.x) *told = Told();
        return;
    }
    const double typical = median(values, size, good);
    double lefts = 0, rights = 0;
#define EACH_THAT_TELLS                                                                          \
    for (int i = threadIdx.x; i < count; i += THREADS)                                           \
        if (const Sample one = seen[0][i], two = seen[1][i]; tells(one, two))
#define IS_NEAR (fabs(log(above_black(two) / above_black(one)) - typical) < NEAR)
    EACH_THAT_TELLS
        if (IS_NEAR) lefts += above_black(one), rights += above_black(two);
    const double left_sum = sum(lefts, room), right_sum = sum(rights, room);
    const double gain = log(right_sum / left_sum), half = exp(gain / 2);
    double tints[2];
    for (int plane = 0; plane < 2; ++plane) {
#define APART (((plane ? two.v : two.u) - 128) / half - ((plane ? one.v : one.u) - 128) * half)
#define MIDDLE sqrt(above_black(one) * above_black(two))
        for (int i = threadIdx.x; i < size; i += THREADS) values[i] = NONE;
        EACH_THAT_TELLS values[i] = APART / MIDDLE;
        const double tint = median(values, size, good);
        double aparts = 0, middles = 0;
        EACH_THAT_TELLS
            if (IS_NEAR && fabs(APART / MIDDLE - tint) < NEAR_TINT) aparts += APART, middles += MIDDLE;
        const double over = sum(aparts, room), under = sum(middles, room);
        tints[plane] = under > 0 ? over / under : 0;
    }
    if (threadIdx.x) return;
    told->log_gain = gain, told->tint_u = tints[0], told->tint_v = tints[1];
    told->good = good;
}
