/* weights_foreign.c - model files that this build does not read, and the way out for each.
 *
 * Pickle is refused for good: it runs code. It knows names of files only, never their content. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "model/files.h"
#include "model/weights.h"

#define TORCH                                                                                \
    "pickle files can run code and are never read; save the tensors as weights.safetensors " \
    "instead: safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")"
#define PICKLE                                                                              \
    "pickle files can run code and are never read; save the arrays as weights.safetensors " \
    "instead: safetensors.numpy.save_file({...}, \"weights.safetensors\")"
#define KERAS                                                                             \
    "not read; save the layers' kernels (transposed to [units, features]) and biases as " \
    "weights.safetensors: safetensors.numpy.save_file({...}, \"weights.safetensors\")"
#define LATER "this build does not read this format yet; convert it to weights.safetensors"

static const struct {
    const char *suffix, *text;
} rows[] = {
    {".npz", LATER},  {".npy", LATER},  {".onnx", LATER},  {".pt", TORCH},      {".pth", TORCH},
    {".ckpt", TORCH}, {".bin", TORCH},  {".pkl", PICKLE},  {".pickle", PICKLE}, {".joblib", PICKLE},
    {".h5", KERAS},   {".hdf5", KERAS}, {".keras", KERAS}, {".pb", KERAS},      {".tflite", KERAS},
};

struct search {
    const char *folder;
    struct model_error *error;
};

static int visit(void *context, const char *name)
{
    struct search *s = context;
    size_t length = strlen(name);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].suffix);
        if (length <= n || strcmp(name + length - n, rows[i].suffix) != 0)
            continue;
        int here = strcmp(s->folder, ".") == 0;
        model_error_set(s->error, "%s%s%.100s: %s", here ? "" : s->folder, here ? "" : "/", name,
                        rows[i].text);
        return 1;
    }
    return 0;
}

bool weights_foreign(int dirfd, const char *folder, struct model_error *error)
{
    struct search s = {folder, error};
    int fd = files_open(dirfd, folder, true);
    bool found;

    if (fd < 0)
        return false;
    found = files_each(fd, visit, &s) == 1;
    close(fd);
    return found;
}
