/* rows_formats.h - the readers of formats.def, for rows.c's table. */
#ifndef COMMANDS_ROWS_FORMATS_H
#define COMMANDS_ROWS_FORMATS_H

#include "commands/rows.h"

#define FORMAT(id, name)                                                                 \
    enum error_id rows_##name##_open(struct rows *r, struct error *error);               \
    enum error_id rows_##name##_read(struct rows *r, float *x, size_t room, size_t *got, \
                                     struct error *error);
#include "commands/formats.def"

/* NULL is fine. */
void rows_csv_free(struct rows_csv *csv);

#endif
