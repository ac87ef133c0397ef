/* series.h - a table that is an object of columns, {"a": [1, 3], "b": [2, 4]}: a field's tensor has
 * one after the other, until series_complete() makes it rows of features. */
#ifndef BODY_SERIES_H
#define BODY_SERIES_H

#include "body/envelope.h"

/* The field's columns become [rows, features], whose memory is charged to the account.
 * ERROR_BAD_FIELD names one that is missing; ERROR_OUT_OF_MEMORY. */
enum error_id series_complete(struct envelope_field *field, struct memory_account *account,
                              struct error *error);

/* ---- for tensors.c alone ---- */

/* The key in r's word is not the input's: is it a column's, of a field that may have those? */
bool series_begins(const struct envelope_reader *r);
enum error_id series_key(struct envelope_reader *r);  /* that key, or another one */
enum error_id series_skip(struct envelope_reader *r); /* a colon after a key that nobody wants */
enum error_id series_end(struct envelope_reader *r);  /* a column is read */

#endif
