/* kernels/logistic_table.h - 1 / (1 + 2^t) for t >= 0 as 32 polynomials times a power of two, for
 * AVX-512, where two registers hold a coefficient of all of them.
 *
 * With t = -k - f, |f| <= 1 / 2, k a whole number, it is 2^k / (2^-f + 2^k). A piece is known by
 * the last 5 bits of k; that of k <= -31 has no 2^k beside 2^-f. No exponential, no reciprocal, and
 * hardly any rounding but the last. Printed by tests/oracle/coefficients.py. */
#ifndef AXON_LOGISTIC_TABLE_H
#define AXON_LOGISTIC_TABLE_H

#include "kernels/vmathf_log.h"

#if defined(__AVX512F__)

enum { LOGISTIC_DEGREE = 6 };

/* Row i the coefficients of f^i. */
static const float logistic_pieces[1 + LOGISTIC_DEGREE][32] = {
    {0.5f,         1.0f,         1.0f,         1.0f,         1.0f,         1.0f,
     1.0f,         1.0f,         0.99999994f,  0.999999881f, 0.999999762f, 0.999999523f,
     0.999999046f, 0.999998093f, 0.999996185f, 0.999992371f, 0.999984741f, 0.999969482f,
     0.999938965f, 0.99987793f,  0.999755919f, 0.999511957f, 0.999024391f, 0.99805069f,
     0.996108949f, 0.992248058f, 0.984615386f, 0.969696999f, 0.941176474f, 0.888888896f,
     0.800000012f, 0.666666687f},
    {0.173286796f, 0.693147182f, 0.693147182f, 0.693147182f, 0.693147182f, 0.693147182f,
     0.693147182f, 0.693147182f, 0.693147123f, 0.693147063f, 0.693146884f, 0.693146527f,
     0.693145871f, 0.69314456f,  0.693141937f, 0.693136632f, 0.693126082f, 0.693104923f,
     0.693062603f, 0.692978024f, 0.692808867f, 0.692470789f, 0.691795409f, 0.690447509f,
     0.687763572f, 0.682442367f, 0.6719836f,   0.651774704f, 0.61399883f,  0.547671854f,
     0.443614244f, 0.308065414f},
    {4.30245919e-08f, 0.240226448f, 0.240226433f, 0.240226403f, 0.240226343f, 0.240226224f,
     0.240226001f,    0.240225539f, 0.240226433f, 0.240226403f, 0.240226269f, 0.240226001f,
     0.240225554f,    0.240224645f, 0.240222842f, 0.240219161f, 0.240211874f, 0.240197226f,
     0.240167961f,    0.240109697f, 0.239992008f, 0.239757791f, 0.239290163f, 0.238357708f,
     0.236505762f,    0.232849687f, 0.22572583f,  0.212196827f, 0.187760904f, 0.147628725f,
     0.0922465697f,   0.0355884582f},
    {-0.00693728775f, 0.0555035882f,  0.0555035733f, 0.0555035546f, 0.0555035211f, 0.0555034503f,
     0.0555033125f,   0.0555030368f,  0.0555032641f, 0.05550294f,   0.0555030629f, 0.0555033088f,
     0.0555030257f,   0.0555024631f,  0.0555013381f, 0.0554998592f, 0.0554961339f, 0.0554894619f,
     0.0554761626f,   0.0554489456f,  0.055395145f,  0.0552869998f, 0.0550708175f, 0.0546418726f,
     0.0537915044f,   0.0521248244f,  0.0489195213f, 0.0429907888f, 0.032835681f,  0.01786674f,
     0.00141926378f,  -0.00822297856f},
    {4.95529775e-06f, 0.00961883646f, 0.00961889606f, 0.00961911865f, 0.00961956847f,
     0.00962046441f,  0.00962209236f, 0.0096255159f,  0.00961830374f, 0.00961793866f,
     0.0096181687f,   0.00961862877f, 0.00961841643f, 0.0096181659f,  0.00961749535f,
     0.0096171163f,   0.00961541198f, 0.00961300638f, 0.0096080564f,  0.00959575921f,
     0.00958097912f,  0.00954360608f, 0.00946862623f, 0.00932252593f, 0.00902837235f,
     0.00846146513f,  0.00739532104f, 0.00550746592f, 0.00252389f,    -0.00109337922f,
     -0.0033946035f,  -0.00236935727f},
    {0.000349644455f,  0.00133913173f,  0.00133916992f, 0.00133922463f,   0.00133931742f,
     0.00133951963f,   0.00133990753f,  0.00134068332f, 0.00133998424f,   0.00134083675f,
     0.00134032534f,   0.00133930251f,  0.00133948994f, 0.00133984815f,   0.00134056492f,
     0.00133978296f,   0.00134042336f,  0.00133947178f, 0.00133743859f,   0.00133518502f,
     0.00132896332f,   0.00131848978f,  0.00129888474f, 0.00125642819f,   0.00117599859f,
     0.00101989973f,   0.000736527378f, 0.00026899486f, -0.000356697186f, -0.000834014849f,
     -0.000607802591f, 0.000155256828f},
    {2.59278368e-05f, 0.000152401844f, 0.000152330176f,  0.000151836881f,  0.000150829539f,
     0.000148831561f, 0.000145261278f, 0.000137678464f,  0.000153866786f,  0.00015488948f,
     0.000154182038f, 0.000152767185f, 0.00015315332f,   0.000153454603f,  0.000154508336f,
     0.000153857647f, 0.000155259942f, 0.000155171801f,  0.000155209404f,  0.000161297969f,
     0.000150903783f, 0.000148358755f, 0.00014483319f,   0.000130755914f,  0.000118238437f,
     8.50716315e-05f, 2.30536389e-05f, -7.91266066e-05f, -0.000148459192f, -0.000135005001f,
     2.97824881e-05f, 0.000109979963f},
};

/* 1 / (1 + 2^t) = (head + rest) 2^k, in [0.41, 1.42] 2^k, |rest| <= 0.42. */
struct logistic {
    vf head, rest, k;
};

/* For t = a (w + tail), 0 <= t < 2^21. tail is below an ULP of w; the product isn't rounded before
 * k has been taken off. */
static inline struct logistic vf_logistic_pieces(vf a, vf w, vf tail)
{
    const vf magic = vf_all(VF_PIECE_MAGIC);
    vf n = vf_fnma1(a, w, magic), k = n - magic, f;
    vi last = (vi)magic - 31, piece = (vi)_mm512_max_epi32((__m512i)n, (__m512i)last);

    f = vf_fnma1(a, tail, vf_fnma1(a, w, -k));
    return (struct logistic){
        vf_piece(logistic_pieces[0], piece),
        f * vf_piece_polynomial(logistic_pieces + 1, LOGISTIC_DEGREE - 1, piece, f), k};
}

/* x / (1 + e^-u) = max(x, 0) - a / (1 + e^|u|) for u of the sign of x and |u| log2(e) = t as above;
 * a is |x|, or less where nothing is left of that term. */
static inline vf vf_gate_pieces(vf x, vf a, vf w, vf tail)
{
    struct logistic l = vf_logistic_pieces(a, w, tail);
    vf y = vf_fma(a, l.head, a * l.rest); /* the product of a and the sum would be rounded twice */

    return vf_max(x, vf_all(-0.0f)) - (vf)_mm512_scalef_ps(y, l.k);
}

/* min(|x|, end); a NaN may become end */
static inline vf vf_magnitude_below(vf x, vf end)
{
    return _mm512_range_ps(x, end, 2 | 8); /* the smaller magnitude, sign bit cleared */
}

#endif
#endif
