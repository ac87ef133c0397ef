/* fail.h - what is wrong with a JSON text, and where: for the parts of the reader alone. */
#ifndef JSON_FAIL_H
#define JSON_FAIL_H

#include "json/read.h"

/* Set the error "line 2, column 7: <format>" for the window's text[pos]; returns id. */
enum error_id json_fail(struct json_reader *r, size_t pos, enum error_id id, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));

/* "expected <what>, found <what is there>" at the window's pos */
enum error_id json_expected(struct json_reader *r, enum error_id id, const char *what);

#endif
