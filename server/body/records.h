/* records.h - rows that are objects of features: a field's tensor [rows, features], whatever the
 * order of the keys. */
#ifndef BODY_RECORDS_H
#define BODY_RECORDS_H

#include "body/envelope.h"

/* Values that rows do not give, where they may be missing, are taken from common (a RECORD; NULL or
 * not present: there is none). From then on the rows' tensor is [rows, features], whose memory is
 * charged to the account. ERROR_BAD_FIELD names the first row and feature that neither gives;
 * ERROR_OUT_OF_MEMORY. */
enum error_id records_complete(struct envelope_field *rows, const struct envelope_field *common,
                               struct memory_account *account, struct error *error);

/* ---- for tensors.c and envelope.c alone: the tokens of a row ---- */

void records_begin(struct envelope_reader *r);
enum error_id records_key(struct envelope_reader *r); /* or the end of a row without keys */
enum error_id records_colon(struct envelope_reader *r);
enum error_id records_value(struct envelope_reader *r); /* its first token, which is not taken */
enum error_id records_skip(struct envelope_reader *r);
enum error_id records_value_end(struct envelope_reader *r); /* no token: the tensor reader's part */
enum error_id records_end(struct envelope_reader *r);       /* of the row, or a comma */
void records_finish(struct envelope_reader *r);             /* the last row is read */
void records_fini(struct records *records);
size_t records_bytes(const struct records *records);

#endif
