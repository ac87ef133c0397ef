/* capture.h - "capture": ["hidden1"] of a predict request: post-activation values of layers, beside
 * the outputs. */
#ifndef API_CAPTURE_H
#define API_CAPTURE_H

#include "api/call.h"
#include "model/model.h"

/* Reads list, the value of "capture", for so many rows: *capture is new, with room for the values,
 * or NULL if list is. */
enum error_id capture_read(struct api_call *call, const json_t *list, size_t rows,
                           struct model_capture **capture);

size_t capture_bytes(const struct model_capture *capture, const struct model *model, size_t rows);

/* The longest text that capture_write() can append. */
size_t capture_text_max(const struct model_capture *capture, const struct model *model,
                        size_t rows);

/* Append ,"captured":{"hidden1":[[...]]}; nothing for NULL. */
enum error_id capture_write(struct api_call *call, const struct model_capture *capture, size_t rows,
                            enum non_finite policy);

void capture_destroy(struct model_capture *capture); /* NULL is fine */

#endif
