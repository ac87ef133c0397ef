/* foreign.c - model files that this build does not read, and the way out for each.
 *
 * Pickle is refused for good: it runs code. It knows names of files only, never their content. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "model/files.h"
#include "weights/weights.h"

#define TORCH                                                                          \
    "pickle files can run code and are never read; load it in Python, and write this " \
    "folder with configs/export/from_torch.py: export(model, \"<model>\")"
#define PICKLE                                                                         \
    "pickle files can run code and are never read; load it in Python, and write this " \
    "folder with configs/export/from_sklearn.py: export(estimator, \"<model>\")"
#define KERAS                                                  \
    "not read; load it in Python, and write this folder with " \
    "configs/export/from_keras.py: export(model, \"<model>\")"
#define LATER                                                                            \
    "this build does not read this format yet; write weights.safetensors, for instance " \
    "with a script of configs/export"

#define NAME "not a name that is looked for; rename it to weights.safetensors"

static const struct {
    const char *suffix, *text;
} rows[] = {
    {".safetensors", NAME}, {".npz", LATER},     {".npy", LATER},     {".onnx", LATER},
    {".pt", TORCH},         {".pth", TORCH},     {".ckpt", TORCH},    {".bin", TORCH},
    {".pkl", PICKLE},       {".pickle", PICKLE}, {".joblib", PICKLE}, {".h5", KERAS},
    {".hdf5", KERAS},       {".keras", KERAS},   {".pb", KERAS},      {".tflite", KERAS},
};

struct search {
    const char *folder;
    struct error *error;
};

static int visit(void *context, const char *name)
{
    struct search *s = context;
    size_t length = strlen(name);

    for (size_t i = 0; i < WEIGHTS_FILES; i++)
        if (strcmp(name, weights_files[i]) == 0)
            return 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].suffix);
        if (length <= n || strcmp(name + length - n, rows[i].suffix) != 0)
            continue;
        error_set(s->error, ERROR_UNSUPPORTED_MEDIA_TYPE, "%s%.100s: %s", s->folder, name,
                  rows[i].text);
        return 1;
    }
    return 0;
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
