// The functions of course_lib.gpu for one number, and the kernels that apply them to an array.
//
// The arithmetic is additions, multiplications, fused multiply-adds where they are written, and operations on bits:
// IEEE 754 fixes the result of each, subnormal numbers included. With contraction switched off (--fmad=false), a card
// and a CPU therefore give the same bits, and the accuracy can be measured on either. There is no division, exp or
// log: a card's versions of these differ from a CPU's.
//
// Sums of two numbers, written hi + lo, carry what rounding to one would lose (T. J. Dekker, "A floating-point technique
// for extending the available precision", Numerische Mathematik 18, 1971). Comments give errors in ulp of the result.

#ifdef __CUDACC__
#define DEVICE static __device__ __forceinline__
DEVICE float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
DEVICE double fused(double a, double b, double c) { return __fma_rn(a, b, c); }
DEVICE float absolute(float x) { return fabsf(x); }
DEVICE double absolute(double x) { return fabs(x); }
DEVICE int bits_of(float x) { return __float_as_int(x); }
DEVICE long long bits_of(double x) { return __double_as_longlong(x); }
DEVICE float number(int bits) { return __int_as_float(bits); }
DEVICE double number(long long bits) { return __longlong_as_double(bits); }
#else
#define DEVICE static inline
DEVICE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
DEVICE float absolute(float x) { return __builtin_fabsf(x); }
DEVICE double absolute(double x) { return __builtin_fabs(x); }
DEVICE int bits_of(float x) { int bits; __builtin_memcpy(&bits, &x, 4); return bits; }
DEVICE long long bits_of(double x) { long long bits; __builtin_memcpy(&bits, &x, 8); return bits; }
DEVICE float number(int bits) { float x; __builtin_memcpy(&x, &bits, 4); return x; }
DEVICE double number(long long bits) { double x; __builtin_memcpy(&x, &bits, 8); return x; }
#endif

template <class F> struct Sum { F hi, lo; };

// What depends on the format. Polynomials are minimax, from a Remez exchange with 300 bits; e is their largest error.
template <class F> struct Format;

template <> struct Format<float> {
    typedef int Bits;
    static constexpr int digits = 23, bias = 127;
    static constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float log2_e = 1.442695041f;
    static constexpr float ln2_hi = 0.693145751953125f, ln2_lo = 1.428606765330187e-06f;  // k * ln2_hi is exact
    static constexpr float near = 25.0f;  // beyond, 1 + e^-a is 1 up to 2^-36
    static constexpr float far = 120.0f;  // beyond, nothing is left, a e^-a neither
    static constexpr float integers = 8388608.0f;  // 2^23: from here on, every number is an integer
};

template <> struct Format<double> {
    typedef long long Bits;
    static constexpr int digits = 52, bias = 1023;
    static constexpr double round = 6755399441055744.0;
    static constexpr double log2_e = 1.4426950408889634;
    static constexpr double ln2_hi = 0.6931471805598903, ln2_lo = 5.497923018708371e-14;
    static constexpr double near = 45.0;  // 2^-64
    static constexpr double far = 770.0;
    static constexpr double integers = 4503599627370496.0;
};

// e^-a as (hi + lo) * 2^power, with hi + lo between 0.7 and 1.42.
template <class F> struct Power { F hi, lo; typename Format<F>::Bits power; };

// (e^r - 1 - r) / r^2 for |r| <= ln(2)/2; relative to e^r, e = 2^-34 and 2^-58.
DEVICE float exp_rest(float r) {
    float p = 0x1.9f0882p-13f;
    p = fused(p, r, 0x1.6d8d1ap-10f);
    p = fused(p, r, 0x1.111270p-7f);
    p = fused(p, r, 0x1.55548ep-5f);
    p = fused(p, r, 0x1.555554p-3f);
    return fused(p, r, 0.5f);
}

DEVICE double exp_rest(double r) {
    double p = 0x1.ad7f5a531afbfp-26;
    p = fused(p, r, 0x1.28ad7d01d6ae6p-22);
    p = fused(p, r, 0x1.71df256f8f3a0p-19);
    p = fused(p, r, 0x1.a0199a01db2bfp-16);
    p = fused(p, r, 0x1.a01a012a4380fp-13);
    p = fused(p, r, 0x1.6c16c1842dbfep-10);
    p = fused(p, r, 0x1.1111111127c35p-7);
    p = fused(p, r, 0x1.555555555086dp-5);
    p = fused(p, r, 0x1.55555555554fap-3);
    return fused(p, r, 0x1.000000000000ap-1);
}

// (artanh(v) - v) / v^3 as a function of v^2 <= 1/9; relative to artanh(v), e = 2^-33 and 2^-59.
DEVICE float artanh_rest(float u) {
    float p = 0x1.f02aecp-4f;
    p = fused(p, u, 0x1.b746d0p-4f);
    p = fused(p, u, 0x1.2503b8p-3f);
    p = fused(p, u, 0x1.9996e6p-3f);
    return fused(p, u, 0x1.555558p-2f);
}

DEVICE double artanh_rest(double u) {
    double p = 0x1.5955e96aec6f2p-4;
    p = fused(p, u, 0x1.5949d5d40a3b2p-5);
    p = fused(p, u, 0x1.eef6cfafa4cafp-5);
    p = fused(p, u, 0x1.1077261e5b50cp-4);
    p = fused(p, u, 0x1.3b1c946c5925ep-4);
    p = fused(p, u, 0x1.745cc4f9552c0p-4);
    p = fused(p, u, 0x1.c71c73918041cp-4);
    p = fused(p, u, 0x1.24924921d79fbp-3);
    p = fused(p, u, 0x1.999999999d4a0p-3);
    return fused(p, u, 0x1.555555555554cp-2);
}

// 1/w for base <= w <= base + 1 and a base of 1 or 2, to 17 bits: a polynomial, and one step of Newton's iteration.
template <int base> DEVICE float reciprocal(float w) {
    float r;
    if (base == 1) {
        r = -0x1.c65286p-3f;
        r = fused(r, w, 0x1.54bde4p+0f);
        r = fused(r, w, -0x1.783c56p+1f);
        r = fused(r, w, 0x1.6a09c2p+1f);
    } else {
        r = 0x1.0e4066p-4f;
        r = fused(r, w, -0x1.fab8bep-2f);
        r = fused(r, w, 0x1.3988b6p+0f);
    }
    return fused(r, fused(-w, r, 1.0f), r);
}

// The same to 35 bits, from the float's by one more step. Conversions are slow, so the bits are moved by hand.
template <int base> DEVICE double reciprocal(double w) {
    const unsigned short_bits = (unsigned)((unsigned long long)bits_of(w) >> 29) + 0x40000000u;  // exponent: 1023 - 127 less, modulo 2^9
    const int seed_bits = bits_of(reciprocal<base>(number((int)short_bits)));
    const double r = number(((long long)seed_bits << 29) + (896LL << 52));
    return fused(r, fused(-w, r, 1.0), r);
}

// e^-a for 0 <= a <= Format<F>::far, or nan, with about 0.1 ulp of error.
template <class F> DEVICE Power<F> exp_minus(F a) {
    typedef Format<F> Has;
    const F rounded = fused(a, -Has::log2_e, Has::round);
    const F k = rounded - Has::round;
    const F head = fused(k, -Has::ln2_hi, -a);  // exact
    const F tail = k * -Has::ln2_lo;
    const F r = head + tail;
    const F r_lo = (head - r) + tail;
    // e^r - 1 without its largest term, head.
    const F rest = fused(r, fused(r, exp_rest(r), r_lo), tail);
    const F one = 1 + head;
    const F hi = one + rest;
    const F lo = ((one - hi) + rest) + ((1 - one) + head);
    return {hi, lo, bits_of(rounded) - bits_of(Has::round)};
}

// (hi + lo) * 2^power of an exponential, for powers that leave it normal.
template <class F> DEVICE Sum<F> scaled(Power<F> e) {
    typedef Format<F> Has;
    const F scale = number((e.power + Has::bias) << Has::digits);
    return {e.hi * scale, e.lo * scale};
}

// (n.hi + n.lo) / (base + e.hi + e.lo), for 0 <= e <= 1: a quotient good to 17 (35) bits, then what it misses.
template <int base, class F> DEVICE Sum<F> quotient(Sum<F> n, Sum<F> e) {
    const F w = base + e.hi;
    const F w_lo = ((base - w) + e.hi) + e.lo;
    const F r = reciprocal<base>(w);
    const F q = n.hi * r;
    const F missing = fused(-q, w, n.hi) + fused(-q, w_lo, n.lo);
    return {q, missing * r};
}

// Round (hi + lo) * 2^power once, to a subnormal number too. hi is normal and positive.
template <class F> DEVICE F rounded_once(F hi, F lo, typename Format<F>::Bits power) {
    typedef Format<F> Has;
    typedef typename Has::Bits Bits;
    const F sum = hi + lo;
    const Bits shifted = bits_of(sum) + (power << Has::digits);
    if (shifted >= (Bits)1 << Has::digits) return number(shifted);
    // The result is so many times the smallest subnormal number, and that many is its bit pattern.
    const F scale = number((power + 2 * Has::bias + Has::digits - 1) << Has::digits);
    const F v = hi * scale;
    const F head = Has::integers + v;
    const F nearest = head + (((Has::integers - head) + v) + lo * scale);
    return number(bits_of(nearest) - bits_of(Has::integers));
}

// The functions. Each has two formulas: `near` for |x| <= limit and nan, `far` for the rest.

// e^-a itself is what decaying functions are beyond the limit.
template <class F> DEVICE F far_exp(F a) {
    const Power<F> e = exp_minus(a > Format<F>::far ? Format<F>::far : a);
    return rounded_once(e.hi, e.lo, e.power);
}

template <class F> DEVICE Sum<F> near_sigmoid(F x) {
    const Sum<F> e = scaled(exp_minus(absolute(x)));
    return quotient<1, F>({x < 0 ? e.hi : 1, x < 0 ? e.lo : 0}, e);
}

template <class F> struct Sigmoid {
    static constexpr F limit = Format<F>::near;
    DEVICE F near(F x) {
        const Sum<F> y = near_sigmoid(x);
        return y.hi + y.lo;
    }
    DEVICE F far(F x) { return x > 0 ? 1 : far_exp(-x); }
};

template <class F> struct Silu {
    static constexpr F limit = Format<F>::near;
    DEVICE F near(F x) {
        const Sum<F> y = near_sigmoid(x);
        const F hi = y.hi + y.lo;
        return fused(x, hi, x * ((y.hi - hi) + y.lo));
    }
    DEVICE F far(F x) {
        if (x > 0) return x;
        const F a = x < -Format<F>::far ? Format<F>::far : -x;
        const Power<F> e = exp_minus(a);
        const F product = a * e.hi;
        return -rounded_once(product, fused(a, e.hi, -product) + a * e.lo, e.power);
    }
};

// t - t^2 with t = sigmoid(-|x|).
template <class F> struct SigmoidDerivative {
    static constexpr F limit = Format<F>::near;
    DEVICE F near(F x) {
        const Sum<F> e = scaled(exp_minus(absolute(x)));
        const Sum<F> q = quotient<1>(e, e);
        const F t = q.hi + q.lo;
        const F t_lo = (q.hi - t) + q.lo;
        const F square = t * t;
        const F y = t - square;
        const F y_lo = ((t - y) - square) - fused(t, t, -square);
        return y + (y_lo + fused(-2 * t, t_lo, t_lo));
    }
    DEVICE F far(F x) { return far_exp(absolute(x)); }
};

// min(x, 0) - log(1 + e^-|x|), the logarithm as 2 artanh(v) with v = e / (2 + e).
template <class F> struct LogSigmoid {
    static constexpr F limit = Format<F>::near;
    DEVICE F near(F x) {
        const Sum<F> e = scaled(exp_minus(absolute(x)));
        const Sum<F> q = quotient<2>(e, e);
        const F v = q.hi + q.lo;
        const F u = v * v;
        const F artanh_lo = fused(v, u * artanh_rest(u), (q.hi - v) + q.lo);
        const F hinge = x > 0 ? 0 : x;
        const F y = fused(-2, v, hinge);
        const F back = y - hinge;  // the sum of two numbers without asking which is larger (Knuth)
        const F y_lo = (hinge - (y - back)) - fused(2, v, back);
        return y + fused(-2, artanh_lo, y_lo);
    }
    DEVICE F far(F x) { return x > 0 ? -far_exp(x) : x; }
};

// The same for float16, computed in float without the low parts: what these would mend is rounded away.
template <class F> struct Short {
    static constexpr F limit = 40;  // e^-40 is far below the smallest float16

    DEVICE F exp_minus(F a) {
        typedef Format<F> Has;
        const F rounded = fused(a, -Has::log2_e, Has::round);
        const F k = rounded - Has::round;
        const F r = fused(k, -Has::ln2_lo, fused(k, -Has::ln2_hi, -a));
        F p = 0x1.6a2446p-10f;
        p = fused(p, r, 0x1.1239f2p-7f);
        p = fused(p, r, 0x1.5558f2p-5f);
        p = fused(p, r, 0x1.555492p-3f);
        p = fused(p, r, 0x1.fffffcp-2f);
        p = fused(fused(p, r, 1), r, 1);
        return number(bits_of(p) + (bits_of(rounded) << Has::digits));  // all but k of `rounded` is shifted out
    }

    // n / (1 + e)
    DEVICE F over_one_plus(F n, F e) {
        const F w = 1 + e;
        const F r = reciprocal<1>(w);
        const F q = n * r;
        return fused(fused(-q, w, n), r, q);
    }

    DEVICE F sigmoid(F x) {
        const F e = exp_minus(absolute(x));
        return over_one_plus(x < 0 ? e : 1, e);
    }
};

template <class F> struct ShortSigmoid : Short<F> {
    DEVICE F near(F x) { return Short<F>::sigmoid(x); }
    DEVICE F far(F x) { return x > 0 ? 1 : 0; }
};

template <class F> struct ShortSilu : Short<F> {
    DEVICE F near(F x) { return x * Short<F>::sigmoid(x); }
    DEVICE F far(F x) { return x > 0 ? x : -F(0); }
};

template <class F> struct ShortSigmoidDerivative : Short<F> {
    DEVICE F near(F x) {
        const F e = Short<F>::exp_minus(absolute(x));
        const F t = Short<F>::over_one_plus(e, e);
        return fused(-t, t, t);
    }
    DEVICE F far(F) { return 0; }
};

template <class F> struct ShortLogSigmoid : Short<F> {
    DEVICE F near(F x) {
        const F e = Short<F>::exp_minus(absolute(x));
        F p = 0x1.56edaep-8f;  // log(1 + e) / e for 0 <= e <= 1, to 25 bits
        p = fused(p, e, -0x1.e3698cp-6f);
        p = fused(p, e, 0x1.4069b0p-4f);
        p = fused(p, e, -0x1.17d2aep-3f);
        p = fused(p, e, 0x1.874a76p-3f);
        p = fused(p, e, -0x1.fcc8c4p-3f);
        p = fused(p, e, 0x1.553004p-2f);
        p = fused(p, e, -0x1.fffeacp-2f);
        p = fused(p, e, 0x1.fffffep-1f);
        return fused(-p, e, x > 0 ? 0 : x);
    }
    DEVICE F far(F x) { return x > 0 ? 0 : x; }
};

template <class Function, class F> DEVICE F value(F x) {
    return absolute(x) > Function::limit ? Function::far(x) : Function::near(x);
}

#ifdef __CUDACC__

// Numbers in memory, and what they are computed in.
struct Half { unsigned short bits; };
DEVICE float loaded(Half x) { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits)); return y; }
DEVICE float loaded(float x) { return x; }
DEVICE double loaded(double x) { return x; }
DEVICE void store(Half& y, float x) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); }
DEVICE void store(float& y, float x) { y = x; }
DEVICE void store(double& y, double x) { y = x; }

// Sixteen bytes, the most that a thread loads with one instruction.
template <class T> struct alignas(16) Pack {
    static constexpr int size = 16 / sizeof(T);
    T values[size];
};

// Apply a function to n numbers; x may be y. gpu.py defines THREADS, the threads of a block, and PACKS, what each loads
// before it computes: several loads under way keep the memory busy.
template <class T, class F, class Function> DEVICE void apply(const T* x, T* y, unsigned long long n) {
    constexpr int size = Pack<T>::size;
    const unsigned long long first = (unsigned long long)blockIdx.x * (size * THREADS * PACKS);
    x += first, y += first, n -= first;
    if (n >= size * THREADS * PACKS && (((unsigned long long)x | (unsigned long long)y) & 15) == 0) {
        Pack<T> pack[PACKS];
#pragma unroll
        for (int p = 0; p < PACKS; p++) pack[p] = ((const Pack<T>*)x)[p * THREADS + threadIdx.x];
#pragma unroll
        for (int p = 0; p < PACKS; p++) {
            F numbers[size];
            bool far = false;
#pragma unroll
            for (int j = 0; j < size; j++) {
                numbers[j] = loaded(pack[p].values[j]);
                far |= absolute(numbers[j]) > Function::limit;
            }
            if (!far) {  // without a branch for each number
#pragma unroll
                for (int j = 0; j < size; j++) store(pack[p].values[j], Function::near(numbers[j]));
            } else {
#pragma unroll
                for (int j = 0; j < size; j++) store(pack[p].values[j], value<Function>(numbers[j]));
            }
            ((Pack<T>*)y)[p * THREADS + threadIdx.x] = pack[p];
        }
    } else {  // the end of an array, or a view that starts in the middle of sixteen bytes
        const unsigned count = n < size * THREADS * PACKS ? n : size * THREADS * PACKS;
#pragma unroll 1
        for (unsigned i = threadIdx.x; i < count; i += THREADS) store(y[i], value<Function>(loaded(x[i])));
    }
}

#define KERNELS(name, Function) \
    extern "C" __global__ void name##_float16(const Half* x, Half* y, unsigned long long n) { \
        apply<Half, float, Short##Function<float>>(x, y, n); \
    } \
    extern "C" __global__ void name##_float32(const float* x, float* y, unsigned long long n) { \
        apply<float, float, Function<float>>(x, y, n); \
    } \
    extern "C" __global__ void name##_float64(const double* x, double* y, unsigned long long n) { \
        apply<double, double, Function<double>>(x, y, n); \
    }

#else

// The same numbers on the host; float16 comes and goes as float.
template <class F, class Function> static void apply(const F* x, F* y, long long n) {
    for (long long first = 0; first < n; first += 512) {
        const long long end = n - first < 512 ? n : first + 512;
        bool far = false;
        for (long long i = first; i < end; i++) far |= absolute(x[i]) > Function::limit;
        if (!far) {
            for (long long i = first; i < end; i++) y[i] = Function::near(x[i]);
        } else {
            for (long long i = first; i < end; i++) y[i] = value<Function>(x[i]);
        }
    }
}

#define KERNELS(name, Function) \
    extern "C" void name##_float16(const float* x, float* y, long long n) { apply<float, Short##Function<float>>(x, y, n); } \
    extern "C" void name##_float32(const float* x, float* y, long long n) { apply<float, Function<float>>(x, y, n); } \
    extern "C" void name##_float64(const double* x, double* y, long long n) { apply<double, Function<double>>(x, y, n); }

#endif

KERNELS(sigmoid, Sigmoid)
KERNELS(sigmoid_derivative, SigmoidDerivative)
KERNELS(log_sigmoid, LogSigmoid)
KERNELS(silu, Silu)
