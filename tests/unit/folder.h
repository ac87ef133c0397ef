/* folder.h - for tests: a temporary folder with files in it, and .safetensors files from text.
 *
 * Everything aborts the test if the machine does not let it; paths are relative to the folder. */
#ifndef FOLDER_H
#define FOLDER_H

#include <check.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
};

static inline struct folder folder_create(void)
{
    struct folder f = {"/tmp/axond-test-XXXXXX"};

    ck_assert_ptr_nonnull(mkdtemp(f.path));
    return f;
}

static inline int folder__remove_one(const char *path, const struct stat *st, int type,
                                     struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void folder_remove(const struct folder *f, const char *path)
{
    char full[512];

    snprintf(full, sizeof full, "%s/%s", f->path, path);
    ck_assert_int_eq(nftw(full, folder__remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Write bytes [len] to path, making the folders that lead there. */
static inline void folder_write(const struct folder *f, const char *path, const void *bytes,
                                size_t len)
{
    char full[512];

    snprintf(full, sizeof full, "%s/%s", f->path, path);
    for (char *slash = strchr(full + strlen(f->path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *out = fopen(full, "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, len, out), len);
    ck_assert_int_eq(fclose(out), 0);
}

static inline void folder_text(const struct folder *f, const char *path, const char *text)
{
    folder_write(f, path, text, strlen(text));
}

/* header and data [data_bytes] as one file; *len is its length; the caller frees. */
static inline unsigned char *safetensors_make(const char *header, const void *data,
                                              size_t data_bytes, size_t *len)
{
    size_t n = strlen(header);
    unsigned char *file = malloc(8 + n + data_bytes);

    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)n >> 8 * i);
    memcpy(file + 8, header, n);
    if (data_bytes)
        memcpy(file + 8 + n, data, data_bytes);
    *len = 8 + n + data_bytes;
    return file;
}

#endif
