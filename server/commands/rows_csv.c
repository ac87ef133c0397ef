/* rows_csv.c - rows of CSV. */
#include "commands/rows_formats.h"

void csv_state_free(struct csv_state *csv)
{
    (void)csv;
}

enum error_id rows_csv_open(struct rows *r, struct error *error)
{
    (void)r;
    return error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE,
                     INPUT_NAME ": neither JSON nor .npy; CSV is not read yet");
}

enum error_id rows_csv_read(struct rows *r, float *x, size_t room, size_t *got, struct error *error)
{
    (void)r;
    (void)x;
    (void)room;
    (void)got;
    return error->id;
}
