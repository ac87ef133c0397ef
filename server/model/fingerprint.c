/* fingerprint.c - see fingerprint.h. Opens no file but the folder and baseline.json. */
#include "model/fingerprint.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* splitmix64's finaliser (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t hash_file(uint64_t hash, const char *name, const struct stat *st)
{
    const uint64_t numbers[] = {st->st_dev, st->st_ino, (uint64_t)st->st_size,
                                (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec};

    for (size_t i = 0; name[i]; i++)
        hash = mix(hash + (unsigned char)name[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        hash = mix(hash + numbers[i] + i);
    return hash;
}

struct folder {
    int fd;
    struct fingerprint *print;
};

/* Folders are no part: those of versions may lie beside the weights. */
static int visit(void *context, const char *name)
{
    static const uint64_t seeds[2] = {0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu};
    enum { FILES_MAX = 65536 }; /* what is beyond may change unseen */
    const struct folder *f = context;
    struct stat st;

    if (strcmp(name, "baseline.json") == 0) {
        f->print->baseline = files_identify(f->fd, name);
        return 0;
    }
    if (f->print->files == FILES_MAX)
        return 1;
    if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode))
        return 0;
    f->print->files++;
    for (size_t i = 0; i < 2; i++)
        f->print->sums[i] += hash_file(seeds[i], name, &st);
    return 0;
}

struct fingerprint fingerprint_read(const struct version_source *from, const struct file_id *config)
{
    struct fingerprint print = {.config = *config};
    struct folder folder = {files_open(from->dirfd, *from->folder ? from->folder : ".", true),
                            &print};

    if (folder.fd < 0)
        return print;
    files_each(folder.fd, visit, &folder);
    close(folder.fd);
    return print;
}

bool fingerprint_same(const struct fingerprint *a, const struct fingerprint *b)
{
    return files_same(&a->config, &b->config) && files_same(&a->baseline, &b->baseline) &&
           a->files == b->files && memcmp(a->sums, b->sums, sizeof a->sums) == 0;
}
