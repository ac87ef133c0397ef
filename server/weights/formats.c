/* formats.c - the rows of formats.def, and what is said of files that are not read.
 *
 * It knows names of files only, never their content. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "model/files.h"
#include "weights/formats.h"

#define TORCH                                                                          \
    "pickle files can run code and are never read; load it in Python, and write this " \
    "folder with configs/export/from_torch.py: export(model, \"<model>\")"
#define PICKLE                                                                         \
    "pickle files can run code and are never read; load it in Python, and write this " \
    "folder with configs/export/from_sklearn.py: export(estimator, \"<model>\")"
#define KERAS                                                  \
    "not read; load it in Python, and write this folder with " \
    "configs/export/from_keras.py: export(model, \"<model>\")"
#define FOREIGN(suffix, text)
#define READ(name, reader) {name, reader},
const struct weights_format weights_formats[WEIGHTS_FORMATS] = {
#include "weights/formats.def"
};
#undef FOREIGN
#undef READ

#define FOREIGN(suffix, text) {suffix, text},
#define READ(name, reader)
static const struct {
    const char *suffix, *text;
} rows[] = {
#include "weights/formats.def"
};
#undef FOREIGN
#undef READ

struct search {
    const char *folder;
    struct error *error;
};

const char *weights_foreign_text(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < WEIGHTS_FORMATS; i++)
        if (strcmp(name, weights_formats[i].name) == 0)
            return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].suffix);
        if (length > n && strcmp(name + length - n, rows[i].suffix) == 0)
            return rows[i].text;
    }
    return NULL;
}

static int visit(void *context, const char *name)
{
    struct search *s = context;
    const char *text = weights_foreign_text(name);

    if (!text)
        return 0;
    error_set(s->error, ERROR_UNSUPPORTED_MEDIA_TYPE, "%s%.100s: %s", s->folder, name, text);
    return 1;
}

bool weights_foreign(int dirfd, const char *folder, struct error *error)
{
    struct search s = {folder, error};
    int fd = files_open(dirfd, *folder ? folder : ".", true);
    bool found;

    if (fd < 0)
        return false;
    found = files_each(fd, visit, &s) == 1;
    close(fd);
    return found;
}
