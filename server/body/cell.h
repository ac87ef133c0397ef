/* cell.h - a cell of a table as float32: a number, true or false as 1 or 0, a value that is missing
 * as NaN, or a mark for anything else, which somebody may ignore or refuse later. */
#ifndef BODY_CELL_H
#define BODY_CELL_H

#include <stdbool.h>
#include <stddef.h>

/* A value of JSON that is no number, which begins with this byte. */
float cell_of_json(char first);

/* Text [len] of CSV, which a byte follows that is readable and goes on no number. Blanks around it
 * are dropped. Numbers as JSON has them, and with a plus, without a digit before or after the
 * point; inf; NaN, NA, null and nothing at all are missing; True and False. */
float cell_of_text(const char *text, size_t len);

/* Is it a mark for what is neither a number nor missing? */
bool cell_is_other(float value);

/* The kind of a value that is not finite: "a string", "an array", "no value", "infinity". */
const char *cell_name(float value);

#endif
