/* lints.h - what the functions of advice.def share; within server/neurons alone. */
#ifndef NEURONS_LINTS_H
#define NEURONS_LINTS_H

#include "neurons/advice.h"

/* Append to found what the lint has to say of s. */
typedef void lint_fn(const struct advice_subject *s, struct advice_list *found);

#define ADVICE(id, level, why, fix) lint_fn lint_##id;
#include "neurons/advice.def"

/* layer and unit may be ADVICE_NOWHERE. A full list takes no more. */
void lint_tell_as(struct advice_list *found, enum advice_id id, enum advice_level level,
                  size_t layer, size_t unit, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The same at the level of the table. */
#define lint_tell(found, id, layer, unit, ...) \
    lint_tell_as((found), (id), advice_rows[id].level, (layer), (unit), __VA_ARGS__)

#endif
