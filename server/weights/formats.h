/* formats.h - the formats of weights files, as rows: formats.def. */
#ifndef WEIGHTS_FORMATS_H
#define WEIGHTS_FORMATS_H

#include "weights/stored.h"

#define FOREIGN(suffix, text)
#define READ(name, reader) stored_reader reader;
#include "weights/formats.def"
#undef READ

enum {
#define READ(name, reader) +1
    WEIGHTS_FORMATS =
#include "weights/formats.def"
#undef READ
};
#undef FOREIGN

struct weights_format {
    const char *name; /* of the file */
    stored_reader *read;
};
extern const struct weights_format weights_formats[WEIGHTS_FORMATS];

/* If a file of that name is not read as weights: a text that tells its format and the way out; else
 * NULL. Static storage. */
const char *weights_foreign_text(const char *name);

/* If the folder holds a model in a format that is not read, say what it is and what to do:
 * "1/model.pt: pickle files run code ...". folder is relative to dirfd and ends with a slash; "" is
 * dirfd itself. True if so. */
bool weights_foreign(int dirfd, const char *folder, struct error *error);

#endif
