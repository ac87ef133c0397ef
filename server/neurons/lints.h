/* lints.h - what the functions of advice.def share; within server/neurons alone. */
#ifndef NEURONS_LINTS_H
#define NEURONS_LINTS_H

#include "neurons/advice.h"

/* Append to found what the lint has to say of s. */
typedef void lint_fn(const struct advice_subject *s, struct advice_list *found);

#define ADVICE(id, level, why, fix) lint_fn lint_##id;
#include "neurons/advice.def"

/* layer and unit may be ADVICE_NOWHERE. A full list takes no more. */
void lint_tell(struct advice_list *found, enum advice_id id, size_t layer, size_t unit,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
