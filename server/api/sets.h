/* sets.h - "set": 0.1 of a predict request: for each row the classes of which one is the truth, but
 * for that share of rows like those that the version was calibrated with. */
#ifndef API_SETS_H
#define API_SETS_H

#include "api/inference.h"
#include "metrics/metrics.h"

struct sets {
    bool asked;
    double quantile;                     /* of the calibration  */
    uint32_t sizes[METRICS_BUCKETS_MAX]; /* of those written    */
    uint64_t sizes_sum;
};

/* Reads value, that of "set"; NULL: none is asked. 400 if the model has no classes or no
 * calibration, or for another share than it is calibrated for. */
enum error_id sets_read(struct api_call *call, const json_t *value, size_t rows, struct sets *sets);

/* The longest text that sets_write() appends, more or less. */
size_t sets_text_max(const struct api_call *call, const struct sets *sets, size_t rows);

/* Append ,"sets":[["3","8"],...], null for a row with an output that is not finite; nothing if none
 * is asked. */
enum error_id sets_write(struct api_call *call, struct sets *sets,
                         const struct inference *inference);

/* The reply was answered: their sizes into axond_conformal_set_size. */
void sets_count(const struct api_call *call, const struct sets *sets);

#endif
