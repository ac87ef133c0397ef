/* ranking.h - which classes a row of outputs speaks for, and with which scores.
 *
 * Knows labels and outputs, no requests. Labels that cannot be ranked are refused when the model
 * loads. */
#ifndef RANKING_H
#define RANKING_H

#include <stddef.h>

enum ranking {
    RANKING_NONE,        /* no labels, or a regression: its outputs are no scores          */
    RANKING_OUTPUTS,     /* a label per output: the output is its score                    */
    RANKING_PROBABILITY, /* two labels, one output y within [0, 1]: 1 - y and y            */
    RANKING_LOGIT        /* two labels, one output z on the whole line: sigma(-z), sigma(z) */
};

/* The score of a class in a row of outputs. */
float ranking_score(enum ranking ranking, const float *outputs, size_t class);

/* The top_k best of classes (1 <= top_k <= classes), best first; of equal scores the first class
 * first, NaN last. best [top_k] */
void ranking_best(enum ranking ranking, const float *outputs, size_t classes, size_t *best,
                  size_t top_k);

#endif
