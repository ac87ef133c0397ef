/* advice.c - the table of lints, and the walk through it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "neurons/lints.h"

const char *const advice_level_names[] = {
    [ADVICE_INFO] = "info", [ADVICE_WARNING] = "warning", [ADVICE_ERROR] = "error"};

const struct advice_row advice_rows[ADVICE_COUNT] = {
#define ADVICE(id, level, why, fix) {#id, why, fix, ADVICE_##level},
#include "neurons/advice.def"
};

static lint_fn *const lints[ADVICE_COUNT] = {
#define ADVICE(id, level, why, fix) lint_##id,
#include "neurons/advice.def"
};

void lint_tell_as(struct advice_list *found, enum advice_id id, enum advice_level level,
                  size_t layer, size_t unit, const char *format, ...)
{
    struct advice *a = &found->items[found->count];
    va_list args;

    if (found->count == ADVICE_MAX)
        return;
    found->count++;
    a->id = id;
    a->level = level;
    a->layer = layer;
    a->unit = unit;
    va_start(args, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is there
    vsnprintf(a->message, sizeof a->message, format, args);
    va_end(args);
    for (char *c = a->message; *c; c++) /* names come from files */
        if (*c < ' ' || *c > '~')
            *c = '?';
}

struct advice_list *advice_find(const struct advice_subject *subject)
{
    struct advice_list *found = calloc(1, sizeof *found);

    for (size_t i = 0; found && i < ADVICE_COUNT; i++)
        lints[i](subject, found);
    return found;
}
