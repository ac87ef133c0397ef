/* start.c - streams, signals, memory, kernels and folders, before the first thread.
 *
 * The only place that changes the process itself (signal mask, descriptors 0 to 2). */
#include <axon/cpu.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "model/repository.h"
#include "start.h"
#include "version.h"

void start_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int start_flush(struct error *error)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    error_set(error, ERROR_NOT_WRITABLE, "standard output: %s", strerror(errno));
    return -1;
}

void start_signals(void)
{
    static const int waited[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof waited / sizeof *waited; i++) {
        /* A shell's "&" and nohup ignore some of them on behalf of their children. */
        signal(waited[i], SIG_DFL);
        sigaddset(&set, waited[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* A log that reaches the limit of a file's size (ulimit -f) loses lines, which are counted. */
    signal(SIGXFSZ, SIG_IGN);
    /* As PID 1 of a container we inherit orphans; ignoring their end reaps them. */
    signal(SIGCHLD, SIG_IGN);
}

void start_filter(void)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* A request's tensors and reply are large blocks that are freed at its end. By default glibc gives
 * such memory back to the system then and takes it anew for the next request, with a page fault for
 * each 4 KiB: 30 to 140 per request of 2,048 rows, against 4 with this much kept per arena, of
 * which there are no more than threads. Larger blocks still go back at once. Setting one of the two
 * stops glibc from adapting the other, so both are set; a user's own settings win. */
void start_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    enum { KEPT_BYTES = 4 << 20 };

    if (getenv("MALLOC_TRIM_THRESHOLD_") || getenv("MALLOC_MMAP_THRESHOLD_"))
        return;
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
#endif
}

int start_kernels(const struct options *options, struct error *error)
{
    if (axon_isa_select(options->isa) != AXON_OK) {
        size_t count;
        const char *const *list = axon_isa_list(&count);
        error_set(error, ERROR_NOT_READY,
                  "isa: this CPU or binary lacks %s; it has:", options->isa);
        for (size_t i = 0; i < count; i++)
            error_set(error, error->id, "%s %s", error->detail, list[i]);
        return -1;
    }
    return 0;
}

static int is_folder(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return -1;
    errno = ENOTDIR;
    return S_ISDIR(status.st_mode) ? 0 : -1;
}

int start_models(struct options *options, struct error *error)
{
    static const char *const defaults[] = {"configs/models", AXOND_MODELS_INSTALLED};

    if (*options->model_name && !repository_name_valid(options->model_name)) {
        error_set(error, ERROR_NOT_READY,
                  "model_name: %.100s: a model's name is 1 to %d letters, digits, '.', '_' or '-'",
                  options->model_name, MODEL_NAME_MAX);
        return -1;
    }
    if (*options->model_dir) /* an image may set a repository, too */
        snprintf(options->models, sizeof options->models, "%s", options->model_dir);
    if (*options->models) {
        if (is_folder(options->models) == 0)
            return 0;
        error_set(error, ERROR_NOT_READY, "%s: %.300s: %s",
                  *options->model_dir ? "model_dir" : "models", options->models, strerror(errno));
        return -1;
    }
    /* A platform that loads models wants none before. */
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults && !options->multi_model; i++)
        if (is_folder(defaults[i]) == 0) {
            snprintf(options->models, sizeof options->models, "%s", defaults[i]);
            break;
        }
    return 0;
}
