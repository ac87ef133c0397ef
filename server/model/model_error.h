/* model_error.h - a message about a file that does not load. It knows nothing but text. */
#ifndef MODEL_ERROR_H
#define MODEL_ERROR_H

/* The file, the JSON path or tensor in it, and what disagrees:
 * "config.json: layers[1].units: expected a whole number from 1 to 65536, found 0" */
struct model_error {
    char text[512];
};

/* Format the message, cut at its size; control bytes and invalid UTF-8 become '?'. Returns -1, so
 * that a failing function can end with it. */
int model_error_set(struct model_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
